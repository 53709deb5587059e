"""How do tests start the service, and which pictures do they send it?"""

import threading
import time
from contextlib import contextmanager
from io import BytesIO

import httpx
import numpy as np
import uvicorn
from PIL import Image

from multitask.service.app import create_app
from multitask.service.limits import Limits
from multitask.service.server import address, bind, configure


@contextmanager
def server(analyzer, *, limits=None, token="", card="", **settings):
    """A client of a real server in a thread; `client.service` is what answers."""
    limits = limits or Limits()
    app = create_app(
        analyzer, name="tiny", limits=limits, token=token, card=card, **settings
    )
    with bind("127.0.0.1", 0) as bound:
        running = uvicorn.Server(configure(app, limits))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [bound]})
        thread.start()
        with httpx.Client(base_url=address(bound), timeout=60) as client:
            client.service = app.state.service  # type: ignore[attr-defined]
            try:
                wait_until(lambda: answers(address(bound)))
                yield client
            finally:
                running.should_exit = True
                thread.join(60)


def answers(url):
    """Whether a service is up and well."""
    try:
        return httpx.get(f"{url}/health", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def wait_until(condition, seconds=60):
    """Wait until a condition holds; AssertionError if it takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def pixels(seed=0, height=20, width=24):
    """Noise (height, width, 3)."""
    return np.random.default_rng(seed).integers(
        0, 256, (height, width, 3), dtype=np.uint8
    )


def ramps(count, seed):
    """Grey ramps (count, 16, 16, 3) with a little noise."""
    draw = np.random.default_rng(seed)
    slopes = draw.uniform(-1, 1, (count, 1, 1, 1))
    ramp = slopes * np.linspace(-1, 1, 16)[:, None, None]
    shades = 128 + 60 * ramp + draw.normal(0, 8, (count, 1, 1, 3))
    noise = draw.normal(0, 4, (count, 16, 16, 3))
    return np.clip(shades + noise, 0, 255).astype(np.uint8)


def encoded(image, form="PNG", **options):
    """The bytes of a file that holds a PIL image or pixels."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def sent(*files):
    """What httpx sends as the field `pictures`: bytes, or (name, bytes)."""
    named = (one if isinstance(one, tuple) else ("a.png", one) for one in files)
    return [("pictures", one) for one in named]
