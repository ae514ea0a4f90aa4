from apimctl.domain.models import ApiState, KeyType
from apimctl.portal import rendering, subscriptions
from apimctl.services import apis, applications, keys
from apimctl.services import subscriptions as services
from apimctl.services.apis import ApiForm
from apimctl.services.applications import ApplicationForm
from tests.portal.conftest import MOMENT


def add_application(db, visit, name):
    """Give the user an application with both keys and a subscription to an API of its own."""
    application = applications.create(
        db, name, owner=visit.user.name, form=ApplicationForm(), **MOMENT
    )
    api = apis.create(
        db,
        name,
        context=f"/{name}",
        version="1.0.0",
        state=ApiState.PUBLISHED,
        form=ApiForm(production_url="http://127.0.0.1:1"),
        **MOMENT,
    )
    services.create(db, application, api, tier=None, **MOMENT)
    for key_type in KeyType:
        keys.generate(
            db,
            application,
            key_type,
            allowed_domains=(),
            validity_seconds=None,
            settings=visit.settings.tokens,
            **MOMENT,
        )


def statements(db, visit) -> list[str]:
    """Return what is asked of the store while the page is made."""
    asked = []
    db.set_trace_callback(asked.append)
    page = subscriptions.show_first(visit, db)
    rendering.render(visit, page)
    db.set_trace_callback(None)
    return asked


def test_a_page_of_fifty_applications_asks_the_store_no_more_than_one_of_one(db, visit):
    add_application(db, visit, "app00")
    alone = statements(db, visit)
    for number in range(1, 50):
        add_application(db, visit, f"app{number:02}")
    assert len(statements(db, visit)) == len(alone) <= 16
    body = rendering.render(visit, subscriptions.show_first(visit, db)).decode()
    assert body.count('<span class="name">app') == 50


def test_who_has_no_application_is_led_to_make_one(db, visit):
    body = rendering.render(visit, subscriptions.show_first(visit, db)).decode()
    assert "You have no applications yet" in body
    assert 'href="../store/applications/new"' in body
