"""A rendered page -> PDF, by WeasyPrint. Knows what it cannot do itself: CSS variables in drawings, folded tables.

Knows no results and no words. Nothing outside the page is loaded: only data URIs are read.
"""

import gc
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from harness.record.errors import AnalysisError

PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
"""What Debian calls the libraries that WeasyPrint draws with."""
_PRINT_PALETTE = re.compile(r"@media print \{ :root \{(.*?)\}", re.DOTALL)
_NAMED = re.compile(r"--([\w-]+):\s*([^;]+);")
_USED = re.compile(r"var\(--([\w-]+)\)")


def pdf_of(html: str, report_id: str) -> bytes:
    """The page as a PDF (PDF/UA structure, with bookmarks); the same page gives the same bytes.

    Raises:
        AnalysisError: WeasyPrint or one of its libraries is not on this machine.
    """
    try:
        import weasyprint  # it loads Pango, which a machine need not have
    except (ImportError, OSError) as error:
        raise AnalysisError(
            f"no PDF: WeasyPrint cannot be loaded ({str(error).splitlines()[0]}); install what Debian calls "
            f"{PACKAGES}, or print the HTML report from a browser"
        ) from None
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    embedded_only = weasyprint.urls.URLFetcher(allowed_protocols=("data",))
    document = weasyprint.HTML(string=for_print(html), url_fetcher=embedded_only)
    with _without_collector():
        content = document.write_pdf(pdf_identifier=report_id.encode(), pdf_variant="pdf/ua-1")
    assert isinstance(content, bytes)
    return content


@contextmanager
def _without_collector() -> Iterator[None]:
    """Boxes and styles refer to each other and are needed until the end: looking for others takes a tenth of the time
    and finds none. Afterwards they are old objects at once, so that the next short look is not at all of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        if was_on:
            gc.enable()


def for_print(html: str) -> str:
    """The page with its print colours written out and every folded table open."""
    found = _PRINT_PALETTE.search(html)
    palette = dict(_NAMED.findall(found[1])) if found else {}
    coloured = _USED.sub(lambda match: palette.get(match[1], match[0]).strip(), html)
    return coloured.replace("<details", "<details open")
