"""Is the page one file that runs nothing else, and can anyone use it?"""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from multitask.service import service
from multitask.service.limits import Limits
from multitask.service.page import Page
from multitask.service.pictures import decode_upload
from tests.browsers import chromium
from tests.service.conftest import NOTE
from tests.service.served import encoded, pixels, ramps, server, wait_until


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def tags():
    return Tags(Page().html).tags


def test_the_page_comes_with_its_policy(client):
    response = client.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(
        part.split(" ", 1)
        for part in response.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy["style-src"])
    assert policy["connect-src"] == "'self'"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_page_loads_nothing_and_has_no_code_in_attributes(tags):
    for _, attributes in tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "srcset", "action", "data"):
            value = attributes.get(name, "#")
            assert value.startswith(("#", "data:image/svg+xml,"))


def test_what_can_be_used_has_a_name(tags):
    labelled = {attributes["for"] for tag, attributes in tags if tag == "label"}
    ids = {attributes.get("id") for _, attributes in tags}
    assert dict(tags)["html"]["lang"] == "en"
    for tag, attributes in tags:
        if tag == "input" and "hidden" not in attributes:
            assert attributes["id"] in labelled
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids
    assert ("p", {"id": "status", "role": "status", "class": "quiet"}) in tags


@pytest.fixture(scope="module")
def browser():
    """Chromium, if Playwright and a browser are installed."""
    with chromium() as running:
        yield running


@pytest.fixture
def open_page(browser):
    """A function that opens an address, and fails for what the browser complains of."""
    complaints, contexts = [], []

    def opened(url, **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        page.goto(str(url))
        return page

    yield opened
    for context in contexts:
        context.close()
    # What is refused is told on the console, too.
    assert [c for c in complaints if "Failed to load resource" not in c] == []


def photo():
    """A photo with two faces."""
    astronaut = pytest.importorskip("skimage.data").astronaut()
    return np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)


def upload(name, data, kind="image/png"):
    return {"name": name, "mimeType": kind, "buffer": data}


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_a_photo_shows_boxes_and_answers(
    face_analyzer, open_page, scheme, width, height
):
    with server(face_analyzer) as client:
        page = open_page(
            client.base_url,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
        )
        wait_until(lambda: page.title() == "tiny · multitask")
        assert NOTE in page.inner_text("#limits")
        page.set_input_files("#files", [upload("two.png", encoded(photo()))])
        page.wait_for_selector(".face")
        assert page.inner_text("#status") == "two.png: 2 faces answered."
        faces = page.locator(".face")
        assert faces.count() == page.locator("svg g").count() == 2
        text = faces.first.inner_text().lower()
        for word in ("face 0", "confidence", "age", "years", "gender", "male", "%"):
            assert word in text
        # They count as the rows of predict do.
        assert page.locator("svg g text").all_text_contents() == ["0", "1"]
        # A box lies on the photo, and nothing is wider than the screen.
        image, box = (
            page.locator(name).first.bounding_box() for name in (".photo img", "svg g")
        )
        assert image["x"] - 5 <= box["x"] <= image["x"] + image["width"]
        frame, badge = (
            page.locator(f"svg g rect{name}").first.bounding_box()
            for name in (":not(.badge)", ".badge")
        )
        assert badge["y"] + badge["height"] <= frame["y"] + 5  # the face is free
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = int(re.findall(r"\d+", background)[0])
        assert (brightness < 128) == (scheme == "dark")


@pytest.mark.slow
def test_too_many_faces_are_told_with_advice_for_the_page(face_analyzer, open_page):
    with server(face_analyzer, limits=Limits(max_faces=1)) as client:
        page = open_page(client.base_url)
        page.set_input_files("#files", [upload("two.png", encoded(photo()))])
        page.wait_for_selector("#results .wrong")
        reason = "has 2 faces, must have at most 1; send parts of the picture"
        assert page.inner_text("#results .wrong") == reason
        wait_until(lambda: page.inner_text("#status") == f"two.png: {reason}.")


@pytest.mark.slow
def test_the_keyboard_suffices(face_analyzer, open_page):
    choosers = []
    with server(face_analyzer) as client:
        page = open_page(client.base_url)
        page.on("filechooser", lambda chooser: choosers.append(chooser))
        wait_until(lambda: page.title() == "tiny · multitask")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "choose"
        page.keyboard.press("Enter")
        wait_until(lambda: page.title() and choosers)
        choosers[0].set_files([upload("two.png", encoded(photo()))])
        page.wait_for_selector(".face")
        for _ in range(30):
            page.keyboard.press("Tab")
            focused = page.evaluate("document.activeElement.textContent")
            if focused == "Remove":
                break
        page.keyboard.press("Enter")
        assert page.locator("article").count() == 0
        assert page.evaluate("document.activeElement.id") == "choose"


@pytest.mark.slow
def test_the_camera_takes_a_photo_and_is_let_go(analyzer, open_page):
    with server(analyzer) as client:
        page = open_page(client.base_url)
        page.click("#camera")
        wait_until(lambda: page.evaluate("document.querySelector('video').videoWidth"))
        page.click("#shoot")
        page.wait_for_selector(".face")
        assert page.inner_text("#status") == "camera.jpg: answered."
        assert page.evaluate("document.querySelector('video').srcObject") is None
        page.click("#camera")
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0


@pytest.mark.slow
def test_a_large_photo_is_scaled_and_says_so(analyzer, open_page):
    wide = np.zeros((1500, 3000, 3), np.uint8)
    with server(analyzer) as client:
        page = open_page(client.base_url)
        page.set_input_files("#files", [upload("wide.png", encoded(wide))])
        page.wait_for_selector(".face")
        assert "Scaled to 2048 × 1024 pixels" in page.inner_text("article")


@pytest.mark.slow
def test_what_is_unlike_the_training_pictures_is_marked(knowing, open_page):
    noise = pixels(0, 16, 16)
    files = [upload("a.png", encoded(ramps(1, 7)[0])), upload("b.png", encoded(noise))]
    with server(knowing) as client:
        page = open_page(client.base_url)
        page.set_input_files("#files", files)
        wait_until(lambda: page.locator(".face").count() == 2)
        first, second = page.locator("article").all()
        assert first.locator(".warning").count() == 0
        warning = "Unlike the training pictures: the answers may be far off."
        assert second.locator(".warning").inner_text() == warning
        said = "a.png: answered. b.png: answered (unlike the training pictures)."
        wait_until(lambda: page.inner_text("#status") == said)


@pytest.mark.slow
def test_of_a_gif_the_picture_that_is_answered_is_shown(
    analyzer, open_page, monkeypatch
):
    received = []

    def decode(data, name, damaged):
        received.append(data)
        return decode_upload(data, name, damaged)

    monkeypatch.setattr(service, "decode_upload", decode)
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with server(analyzer) as client:
        page = open_page(client.base_url)
        page.set_input_files("#files", [upload("a.gif", gif, "image/gif")])
        page.wait_for_selector(".face")
        text = page.inner_text("article")
    assert "Of a GIF, the first picture was sent." in text
    assert "Scaled" not in text
    (data,) = received
    assert data.startswith(b"\x89PNG")  # which stays still where it is shown, too
    np.testing.assert_array_equal(decode_upload(data, "a"), np.asarray(frames[0]))


@pytest.mark.slow
def test_what_is_no_photo_is_told_and_the_others_are_answered(analyzer, open_page):
    files = [upload("a.png", b"a letter"), upload("b.png", encoded(pixels()))]
    with server(analyzer) as client:
        page = open_page(client.base_url)
        page.set_input_files("#files", files)
        page.wait_for_selector(".face")
        page.wait_for_selector("#results .wrong")
        reason = page.inner_text("#results .wrong")
        assert reason.startswith("no picture that can be read; send JPEG")
        said = f"a.png: {reason}. b.png: answered."  # each photo's name once
        wait_until(lambda: page.inner_text("#status") == said)


@pytest.mark.slow
def test_a_token_is_asked_for_and_kept(analyzer, open_page):
    with server(analyzer, token="secret") as client:
        page = open_page(client.base_url)
        page.wait_for_selector("#access")
        assert page.evaluate("document.activeElement.id") == "token"
        page.fill("#token", "wrong")
        page.keyboard.press("Enter")
        wrong = "Authorization: is missing or wrong"
        wait_until(lambda: page.inner_text("#access-wrong").startswith(wrong))
        page.fill("#token", "secret")
        page.keyboard.press("Enter")
        page.wait_for_selector("#access", state="hidden")
        page.set_input_files("#files", [upload("b.png", encoded(pixels()))])
        page.wait_for_selector(".face")
        page.reload()
        wait_until(lambda: page.title() == "tiny · multitask")
