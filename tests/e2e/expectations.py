"""What every refusal has to look like, whoever asked for what."""


def is_fault(answer, status, code, message):
    fault = answer.json["fault"]
    assert (answer.status, fault["code"], fault["message"]) == (status, code, message)
    assert fault["description"]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers
    assert "apim_" not in answer.body.decode()
    assert "apim_" not in str(answer.headers)
    if status != 401:
        assert "WWW-Authenticate" not in answer.headers
    return True


def is_login_answer(answer) -> bool:
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert "Server" not in answer.headers
    return isinstance(answer.json, dict)


def is_error(answer, status, error) -> bool:
    assert is_login_answer(answer)
    assert (answer.status, answer.json["error"]) == (status, error)
    assert set(answer.json) <= {"error", "error_description"}
    assert "apim_" not in answer.body.decode()
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="apimctl"'
    else:
        assert "WWW-Authenticate" not in answer.headers
    return True
