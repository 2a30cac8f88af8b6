"""Where a request came from, and how: what a browser says of it, and what the proxies before the server do."""

from urllib.parse import SplitResult, urlsplit

from starlette.requests import Request

from slotkeeper.dashboard.visit import Site


def is_https(request: Request, site: Site) -> bool:
    """Whether the browser reaches us over HTTPS, which ends at a proxy where there is one."""
    return urlsplit(site.public_url).scheme == "https" if site.public_url else request.url.scheme == "https"


def address_of(request: Request, site: Site) -> str:
    """The address of the client: where proxies stand before us, what the outermost of them noted, and nobody else."""
    direct = "" if request.client is None else request.client.host
    if not site.proxies:
        return direct
    noted = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    return noted[-site.proxies].strip()[:64] if len(noted) >= site.proxies and noted[-site.proxies].strip() else direct


def is_ours(request: Request, site: Site) -> bool:
    """Whether a form was sent by a page of ours, as far as the browser says; an old browser says nothing."""
    fetched = request.headers.get("sec-fetch-site")
    if fetched is not None:
        return fetched in {"same-origin", "none"}
    origin = request.headers.get("origin")
    if origin is None:
        return True
    own = urlsplit(site.public_url).netloc if site.public_url else request.headers.get("host", "")
    return parts_of(origin).netloc.lower() == own.lower()


def parts_of(url: str) -> SplitResult:
    """The parts of an address that somebody sent; all empty where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
