"""Where is a real browser, and what does it find wrong with how a page is laid out?"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
)  # fmt: skip


@contextmanager
def chromium() -> Iterator[Any]:
    """Chromium, if Playwright and a browser are installed; skips the test otherwise."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


# Whatever is folded is opened first. Of an element in something that scrolls by itself,
# only its own content is looked at.
FAULTS = """() => {
  document.querySelectorAll('details').forEach(one => { one.open = true; });
  const faults = [], width = window.innerWidth;
  const name = e => `${e.tagName}.${e.getAttribute('class') || ''}`
    + ` ${(e.textContent || '').trim().slice(0, 40)}`;
  const page = document.scrollingElement.scrollWidth;
  if (page > width) faults.push(`the page is ${page} wide`);
  for (const e of document.querySelectorAll('body *')) {
    const box = e.getBoundingClientRect();
    if (!e.closest('.scroll') && !e.closest('svg') && box.right > width + 1)
      faults.push(`ends at ${Math.round(box.right)}: ${name(e)}`);
    const scrolls = e.classList.contains('scroll') || e.closest('svg');
    if (!scrolls && e.clientWidth && e.scrollWidth > e.clientWidth + 1)
      faults.push(`is cut: ${name(e)}`);
  }
  for (const e of document.querySelectorAll('th')) {
    const style = getComputedStyle(e);
    if (style.overflowWrap !== 'normal' || style.wordBreak !== 'normal')
      faults.push(`may break within a word: ${name(e)}`);
  }
  for (const svg of document.querySelectorAll('svg')) {
    const frame = svg.getBoundingClientRect();
    if (Math.abs(frame.width - svg.getAttribute('width')) > 1)
      faults.push('a chart is scaled');
    for (const text of svg.querySelectorAll('text')) {
      const box = text.getBoundingClientRect();
      const outside = Math.max(frame.left - box.left, box.right - frame.right,
        frame.top - box.top, box.bottom - frame.bottom);
      if (outside > 2) faults.push(`is ${Math.round(outside)} outside: ${name(text)}`);
      if (parseFloat(getComputedStyle(text).fontSize) < 11)
        faults.push(`is small: ${name(text)}`);
    }
  }
  return faults;
}"""
