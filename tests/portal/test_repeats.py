import asyncio
from functools import wraps

import pytest

from apimctl.edge.answers import Answer
from apimctl.portal.repeats import KEPT_SECONDS, MOST_BYTES, MOST_KEPT, MOST_OF_ONE_BROWSER, Repeats


class Counter:
    """Answers forms, each answer another one."""

    def __init__(self):
        self.now = 0.0
        self.made = 0
        self.repeats = Repeats(clock=lambda: self.now)

    async def send(self, browser="browser", path="/store/x", number="1", *, status=200, size=0):
        async def make():
            self.made += 1
            return Answer(status=status, body=b"%d" % self.made + b"x" * size)

        return (await self.repeats.once((browser, path, number, ""), make)).body


def counted(scenario):
    @wraps(scenario)
    def test():
        asyncio.run(scenario(Counter()))

    del test.__wrapped__  # pytest would ask for its argument
    return test


@counted
async def test_a_form_is_answered_once_for_a_minute(forms):
    assert await forms.send() == await forms.send() == b"1"
    forms.now = KEPT_SECONDS - 0.001
    assert await forms.send() == b"1"
    forms.now = KEPT_SECONDS
    assert await forms.send() == b"2"


@counted
async def test_another_browser_form_or_number_is_another_one(forms):
    sent = [forms.send(), forms.send("other"), forms.send(path="/store/y"), forms.send(number="2")]
    assert sorted(await asyncio.gather(*sent)) == [b"1", b"2", b"3", b"4"]


@counted
async def test_forms_that_come_at_once_get_one_answer(forms):
    assert set(await asyncio.gather(*(forms.send() for _ in range(50)))) == {b"1"}


@counted
async def test_what_one_is_answered_the_other_may_change(forms):
    async def make():
        return Answer(status=200)

    key = ("browser", "/store/x", "1", "")
    first = await forms.repeats.once(key, make)
    first.add([("X-More", "1")]).status = 422
    second = await forms.repeats.once(key, make)
    assert (second.status, "X-More" in second.headers) == (200, False)


@counted
async def test_a_server_error_is_no_answer(forms):
    await forms.send(status=503)
    assert await forms.send() == b"2"

    async def fail():
        raise ValueError

    for _ in range(2):
        with pytest.raises(ValueError):  # noqa: PT011 - ours
            await forms.repeats.once(("browser", "/store/y", "1", ""), fail)
    assert ("browser", "/store/y", "1", "") not in forms.repeats


@counted
async def test_a_form_is_acted_on_to_its_end_if_the_browser_leaves(forms):
    goes_on = asyncio.Event()

    async def make():
        await goes_on.wait()
        forms.made += 1
        return Answer(status=200, body=b"made")

    key = ("browser", "/store/x", "1", "")
    leaving = asyncio.create_task(forms.repeats.once(key, make))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    goes_on.set()
    assert (await forms.repeats.once(key, make)).body == b"made"
    assert forms.made == 1


@counted
async def test_what_is_forgotten_is_done_again(forms):
    await forms.send()
    await forms.send("other")
    forms.repeats.forget("browser")
    assert await forms.send("other") == b"2"
    assert await forms.send() == b"3"


@counted
async def test_one_browser_pushes_out_its_own_answers_alone(forms):
    await forms.send("other")
    for number in range(MOST_OF_ONE_BROWSER + 1):
        await forms.send(number=str(number))
    before = forms.made
    await forms.send("other")
    await forms.send(number="1")
    assert forms.made == before
    await forms.send(number="0")
    assert forms.made == before + 1


@counted
async def test_all_browsers_together_have_a_bound(forms):
    for number in range(MOST_KEPT + 1):
        await forms.send(str(number))
    before = forms.made
    await forms.send(str(MOST_KEPT))
    await forms.send("1")
    assert forms.made == before
    await forms.send("0")
    assert forms.made == before + 1


@counted
async def test_what_is_kept_has_a_bound_in_bytes(forms):
    for browser in "ab":
        await forms.send(browser, size=MOST_BYTES // 2)
    await forms.send("c")
    before = forms.made
    for browser in "bc":
        await forms.send(browser)
    assert forms.made == before
    await forms.send("a")
    assert forms.made == before + 1
