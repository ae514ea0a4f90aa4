"""The schema of the store, as the steps that led to it.

Append only: a step that has been in a release is never changed. Integer UTC epoch times, text ids,
SQL that SQLite and PostgreSQL share. Every migration runs in the one transaction that
`apimctl.store` opens, so a store has all of them or none.

A step that changes ``access_token`` or ``refresh_token`` has to change the tables of the partitions
as well: ``access_token_A`` and ``refresh_token_A`` for each letter in ``token_partition``.
"""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("apimctl")


@migrations()
def m001_catalogue(db: Database) -> None:
    """Tiers, users and APIs."""
    db.execute("""
        CREATE TABLE tier (
            name TEXT PRIMARY KEY,
            requests INTEGER CHECK (requests > 0),
            per_seconds INTEGER CHECK (per_seconds > 0),
            description TEXT NOT NULL,
            is_built_in INTEGER NOT NULL CHECK (is_built_in IN (0, 1)),
            CHECK ((requests IS NULL) = (per_seconds IS NULL))
        )
    """)
    db.execute("""
        CREATE TABLE user_account (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            userstore TEXT NOT NULL,
            password_hash TEXT,
            created_at INTEGER NOT NULL,
            UNIQUE (userstore, name)
        )
    """)
    db.execute("""
        CREATE TABLE api (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            version TEXT NOT NULL,
            context TEXT NOT NULL,
            state TEXT NOT NULL,
            blocked_from TEXT,
            is_default_version INTEGER NOT NULL CHECK (is_default_version IN (0, 1)),
            production_url TEXT,
            sandbox_url TEXT,
            description TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            UNIQUE (name, version),
            UNIQUE (context, version),
            CHECK (production_url IS NOT NULL OR sandbox_url IS NOT NULL)
        )
    """)
    db.execute("""
        CREATE TABLE api_tier (
            api_id TEXT NOT NULL REFERENCES api (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            tier TEXT NOT NULL REFERENCES tier (name),
            PRIMARY KEY (api_id, tier)
        )
    """)


@migrations()
def m002_applications(db: Database) -> None:
    """Applications, their subscriptions, keys and secrets."""
    db.execute("""
        CREATE TABLE application (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            owner_id TEXT NOT NULL REFERENCES user_account (id),
            tier TEXT NOT NULL REFERENCES tier (name),
            description TEXT NOT NULL,
            callback_url TEXT,
            created_at INTEGER NOT NULL,
            UNIQUE (owner_id, name)
        )
    """)
    db.execute("""
        CREATE TABLE subscription (
            id TEXT PRIMARY KEY,
            application_id TEXT NOT NULL REFERENCES application (id) ON DELETE CASCADE,
            api_id TEXT NOT NULL REFERENCES api (id) ON DELETE CASCADE,
            tier TEXT NOT NULL REFERENCES tier (name),
            state TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            UNIQUE (application_id, api_id)
        )
    """)
    db.execute("CREATE INDEX subscription_api ON subscription (api_id)")
    db.execute("""
        CREATE TABLE application_key (
            consumer_key TEXT PRIMARY KEY,
            application_id TEXT NOT NULL REFERENCES application (id) ON DELETE CASCADE,
            key_type TEXT NOT NULL CHECK (key_type IN ('PRODUCTION', 'SANDBOX')),
            allowed_domains TEXT NOT NULL,
            validity_seconds INTEGER,
            current_token_id TEXT,
            created_at INTEGER NOT NULL,
            UNIQUE (application_id, key_type)
        )
    """)
    db.execute("""
        CREATE TABLE consumer_secret (
            digest TEXT PRIMARY KEY,
            consumer_key TEXT NOT NULL REFERENCES application_key (consumer_key) ON DELETE CASCADE,
            hint TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER
        )
    """)
    db.execute("CREATE INDEX consumer_secret_key ON consumer_secret (consumer_key)")


@migrations()
def m003_tokens(db: Database) -> None:
    """Access and refresh tokens, by digest."""
    db.execute("""
        CREATE TABLE access_token (
            digest TEXT PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            consumer_key TEXT NOT NULL REFERENCES application_key (consumer_key) ON DELETE CASCADE,
            user_id TEXT REFERENCES user_account (id) ON DELETE CASCADE,
            family_id TEXT,
            state TEXT NOT NULL CHECK (state IN ('ACTIVE', 'INACTIVE', 'REVOKED')),
            scope TEXT NOT NULL,
            hint TEXT NOT NULL,
            issued_at INTEGER NOT NULL,
            expires_at INTEGER
        )
    """)
    db.execute("CREATE INDEX access_token_key ON access_token (consumer_key)")
    db.execute("CREATE INDEX access_token_user ON access_token (user_id) WHERE user_id IS NOT NULL")
    db.execute(
        "CREATE INDEX access_token_family ON access_token (family_id) WHERE family_id IS NOT NULL"
    )
    db.execute("""
        CREATE TABLE refresh_token (
            digest TEXT PRIMARY KEY,
            family_id TEXT NOT NULL,
            consumer_key TEXT NOT NULL REFERENCES application_key (consumer_key) ON DELETE CASCADE,
            user_id TEXT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
            state TEXT NOT NULL CHECK (state IN ('ACTIVE', 'INACTIVE', 'REVOKED')),
            scope TEXT NOT NULL,
            hint TEXT NOT NULL,
            issued_at INTEGER NOT NULL,
            expires_at INTEGER
        )
    """)
    db.execute("CREATE INDEX refresh_token_family ON refresh_token (family_id)")
    db.execute("CREATE INDEX refresh_token_key ON refresh_token (consumer_key)")
    db.execute("CREATE INDEX refresh_token_user ON refresh_token (user_id)")


@migrations()
def m004_gateways(db: Database) -> None:
    """Gateways, and the feed of changes they follow."""
    db.execute("""
        CREATE TABLE changes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL
        )
    """)
    db.execute("""
        CREATE TABLE gateway (
            id TEXT PRIMARY KEY,
            url TEXT NOT NULL,
            process_id INTEGER NOT NULL,
            version TEXT NOT NULL,
            started_at INTEGER NOT NULL
        )
    """)


@migrations()
def m005_resources(db: Database) -> None:
    """Resources of APIs, and whose pages may read an API's answers."""
    db.execute("""
        CREATE TABLE api_resource (
            api_id TEXT NOT NULL REFERENCES api (id) ON DELETE CASCADE,
            pattern TEXT NOT NULL,
            methods TEXT NOT NULL,
            auth_type TEXT NOT NULL
                CHECK (auth_type IN ('None', 'Application', 'Application_User', 'Any')),
            tier TEXT NOT NULL REFERENCES tier (name),
            PRIMARY KEY (api_id, pattern, methods)
        )
    """)
    db.execute("""
        CREATE TABLE api_cors (
            api_id TEXT PRIMARY KEY REFERENCES api (id) ON DELETE CASCADE,
            origins TEXT NOT NULL,
            has_credentials INTEGER NOT NULL CHECK (has_credentials IN (0, 1))
        )
    """)


@migrations()
def m006_gateway_certificates(db: Database) -> None:
    """One row per URL of a gateway, with the certificate it shows there."""
    db.execute("""
        CREATE TABLE gateway_url (
            id TEXT NOT NULL,
            url TEXT NOT NULL,
            process_id INTEGER NOT NULL,
            version TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            certificate TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (id, url)
        )
    """)
    db.execute("""
        INSERT INTO gateway_url (id, url, process_id, version, started_at)
        SELECT id, url, process_id, version, started_at FROM gateway
    """)
    db.execute("DROP TABLE gateway")
    db.execute("ALTER TABLE gateway_url RENAME TO gateway")


@migrations()
def m007_gateway_workers(db: Database) -> None:
    """How many workers a gateway has, and where its operator asks how it is."""
    db.execute("ALTER TABLE gateway ADD COLUMN workers INTEGER NOT NULL DEFAULT 1")
    db.execute("ALTER TABLE gateway ADD COLUMN admin_url TEXT NOT NULL DEFAULT ''")


@migrations()
def m008_token_partitions(db: Database) -> None:
    """Partitions of tokens, beside the base tables (SPEC section 7)."""
    db.execute("""
        CREATE TABLE token_partition (
            letter TEXT PRIMARY KEY CHECK (length(letter) = 1 AND letter BETWEEN 'A' AND 'Z'),
            created_at INTEGER NOT NULL
        )
    """)
    # What lists read, and in which order: by key, and by user; partitions copy these.
    db.execute("DROP INDEX access_token_key")
    db.execute(
        "CREATE INDEX access_token_key"
        " ON access_token (consumer_key, issued_at, id, state, expires_at)"
    )
    db.execute(
        "CREATE INDEX access_token_expiry ON access_token (consumer_key, expires_at, id, state)"
    )
    db.execute("DROP INDEX access_token_user")
    db.execute(
        "CREATE INDEX access_token_user ON access_token (user_id, issued_at, id)"
        " WHERE user_id IS NOT NULL"
    )
    db.execute(
        "CREATE INDEX access_token_ended ON access_token (expires_at) WHERE state <> 'ACTIVE'"
    )
    db.execute("CREATE INDEX refresh_token_expiry ON refresh_token (expires_at)")
    db.execute(
        "CREATE INDEX refresh_token_ended ON refresh_token (expires_at) WHERE state = 'REVOKED'"
    )


@migrations()
def m009_scopes_and_roles(db: Database) -> None:
    """Scopes of APIs, the roles that may have them, and the roles of users."""
    db.execute("""
        CREATE TABLE api_scope (
            name TEXT PRIMARY KEY,
            api_name TEXT NOT NULL,
            description TEXT NOT NULL,
            roles TEXT NOT NULL,
            created_at INTEGER NOT NULL
        )
    """)
    db.execute("CREATE INDEX api_scope_api ON api_scope (api_name)")
    db.execute("ALTER TABLE api_resource ADD COLUMN scopes TEXT NOT NULL DEFAULT ''")
    db.execute("""
        CREATE TABLE user_role (
            user_id TEXT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
            role TEXT NOT NULL,
            PRIMARY KEY (user_id, role)
        )
    """)
    db.execute("INSERT INTO user_role SELECT id, 'admin' FROM user_account WHERE id = 'admin'")


@migrations()
def m010_clients(db: Database) -> None:
    """Applications as OAuth clients: grants, token format, redirect URIs, public ones."""
    db.execute("ALTER TABLE application RENAME COLUMN callback_url TO callback_urls")
    db.execute("ALTER TABLE application ADD COLUMN grants TEXT")
    db.execute("ALTER TABLE application ADD COLUMN token_format TEXT NOT NULL DEFAULT 'opaque'")
    db.execute("ALTER TABLE application ADD COLUMN is_public INTEGER NOT NULL DEFAULT 0")


@migrations()
def m011_authorization(db: Database) -> None:
    """Codes of the authorization endpoint, and sessions of browsers."""
    db.execute("""
        CREATE TABLE authorization_code (
            digest TEXT PRIMARY KEY,
            consumer_key TEXT NOT NULL REFERENCES application_key (consumer_key) ON DELETE CASCADE,
            user_id TEXT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
            family_id TEXT NOT NULL,
            redirect_uri TEXT,
            code_challenge TEXT,
            scope TEXT NOT NULL,
            is_spent INTEGER NOT NULL CHECK (is_spent IN (0, 1)),
            issued_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        )
    """)
    db.execute("CREATE INDEX authorization_code_key ON authorization_code (consumer_key)")
    db.execute("CREATE INDEX authorization_code_user ON authorization_code (user_id)")
    db.execute("CREATE INDEX authorization_code_expiry ON authorization_code (expires_at)")
    db.execute("""
        CREATE TABLE web_session (
            digest TEXT PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
            created_at INTEGER NOT NULL,
            used_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        )
    """)
    db.execute("CREATE INDEX web_session_user ON web_session (user_id)")


@migrations()
def m012_user_stores(db: Database) -> None:
    """Secondary user stores (SPEC section 7)."""
    db.execute("""
        CREATE TABLE userstore (
            domain TEXT PRIMARY KEY,
            type TEXT NOT NULL,
            settings TEXT NOT NULL,
            sealed_bind_password TEXT,
            created_at INTEGER NOT NULL
        )
    """)


@migrations()
def m013_signing_keys(db: Database) -> None:
    """Keys that sign JWTs: the public half in clear, the private one sealed."""
    db.execute("""
        CREATE TABLE signing_key (
            id TEXT PRIMARY KEY,
            algorithm TEXT NOT NULL,
            public_jwk TEXT NOT NULL,
            sealed_private_jwk TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            retired_at INTEGER,
            newest_expiry_at INTEGER NOT NULL
        )
    """)


@migrations()
def m014_audit(db: Database) -> None:
    """Who did what."""
    db.execute("""
        CREATE TABLE audit_entry (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            via TEXT NOT NULL,
            action TEXT NOT NULL,
            target TEXT NOT NULL,
            details TEXT NOT NULL
        )
    """)


@migrations()
def m015_failed_attempts(db: Database) -> None:
    """Wrong passwords and consumer secrets, counted, and from where users logged in rightly."""
    db.execute("""
        CREATE TABLE failed_attempt (
            subject TEXT PRIMARY KEY,
            failures INTEGER NOT NULL,
            blocked_until INTEGER NOT NULL,
            forgotten_at INTEGER NOT NULL
        )
    """)
    db.execute("CREATE INDEX failed_attempt_end ON failed_attempt (forgotten_at)")
    db.execute("""
        CREATE TABLE known_network (
            subject TEXT PRIMARY KEY,
            forgotten_at INTEGER NOT NULL
        )
    """)
    db.execute("CREATE INDEX known_network_end ON known_network (forgotten_at)")


@migrations()
def m016_where_sessions_began(db: Database) -> None:
    """Sessions know what browser they are in, and where it logged in from."""
    db.execute("ALTER TABLE web_session ADD COLUMN user_agent TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE web_session ADD COLUMN address TEXT NOT NULL DEFAULT ''")
