"""Log in, log out, one's own account."""

from __future__ import annotations

from aiohttp import web

from bcp.kit.errors import BcpError, Busy
from bcp.kit.language import text
from bcp.service.access.guard import identity_of, safe_next
from bcp.service.access.identity import TooFast
from bcp.service.access.roles import Permission
from bcp.service.access.routes import Route
from bcp.service.pages.respond import Answer, Go, Page, Pages
from bcp.service.pages.visit import Visit


def routes(pages: Pages) -> list[Route]:
    """The doors that the doors themselves need."""
    accounts = pages.doors.accounts

    async def form(visit: Visit) -> Answer:
        if visit.identity is not None:
            return Go(safe_next(visit.query.get("next", "/")))
        return _login(visit, visit.query.get("next", "/"), None)

    async def sign_in(request: web.Request) -> web.StreamResponse:
        visit = await pages.visit(request)
        target = safe_next(visit.field("next") or "/")
        wrong = text("access.wrong").pick(visit.lang)
        try:
            login, password = visit.field("login"), str(visit.form.get("password", ""))
            signed = await accounts.sign_in(login, password, visit.address)
        except TooFast as error:
            response = await pages.answer(request, visit, _login(visit, target, error.what, 429))
            response.headers["Retry-After"] = str(error.seconds)
            return response
        except Busy as error:
            return await pages.answer(request, visit, _login(visit, target, error.what, 503))
        if signed is None:
            return await pages.answer(request, visit, _login(visit, target, wrong, 401))
        response = web.Response(status=303, headers={"Location": target})
        pages.doors.let_in(request, response, signed.token)
        return response

    async def sign_out(request: web.Request) -> web.StreamResponse:
        if (identity := identity_of(request)) is not None:
            await accounts.sign_out(identity.digest)
        response = web.Response(status=303, headers={"Location": "/login"})
        pages.doors.let_out(response)
        return response

    async def account(visit: Visit) -> Answer:
        return Page("account.html", {"said": None, "bad": False}, live=False)

    async def password(visit: Visit) -> Answer:
        assert visit.identity is not None
        old, new = str(visit.form.get("old", "")), str(visit.form.get("new", ""))
        try:
            if new != str(visit.form.get("again", "")):
                said = text("pages.password_differs").pick(visit.lang)
                return Page("account.html", {"said": said, "bad": True}, 400, live=False)
            await accounts.change_own_password(visit.identity, old, new, visit.address)
        except BcpError as error:
            return Page("account.html", {"said": error.what, "bad": True}, 400, live=False)
        said = text("pages.password_changed").pick(visit.lang)
        return Page("account.html", {"said": said, "bad": False}, live=False)

    return [
        pages.route("GET", "/login", Permission.PUBLIC, form),
        Route("POST", "/login", Permission.PUBLIC, sign_in),
        Route("POST", "/logout", Permission.OWN, sign_out),
        pages.route("GET", "/account", Permission.OWN, account),
        pages.route("POST", "/account", Permission.OWN, password),
    ]


def _login(visit: Visit, target: str, said: str | None, status: int = 200) -> Page:
    values = {"next": safe_next(target), "said": said, "login": visit.field("login")}
    return Page("login.html", values, status, live=False)
