"""A real OpenID provider in a process of its own (oidc-provider-mock): asks for PKCE, misbehaves if told.

    python tests/identity/provider.py        prints its port, serves until its input ends

`POST /told {"fault": NAME}` makes it misbehave, `GET /told` says what it was asked. Faults are made with the
provider's own key, except those about signatures: what it says is genuine, and wrong.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
import warnings
from typing import Any
from urllib.parse import parse_qs, urlsplit

warnings.simplefilter("ignore")

import flask  # noqa: E402
import oidc_provider_mock  # noqa: E402
from joserfc import jws, jwt  # noqa: E402
from joserfc.jwk import RSAKey  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

OTHER = RSAKey.generate_key(2048)


class Told:
    """What the provider was told to do, and what it was asked."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self.seconds = 0.0
        self.challenges: dict[str, str] = {}
        self.asked: list[dict[str, Any]] = []


def changed(claims: dict[str, Any], fault: str | None) -> dict[str, Any]:
    """The claims of an ID token, wrong as told."""
    now = int(time.time())
    wrong: dict[str, dict[str, Any]] = {
        "nonce": {"nonce": "another"},
        "audience": {"aud": ["somebody-else"]},
        "issuer": {"iss": "https://other.example"},
        "expired": {"iat": now - 7200, "exp": now - 3600},
        "future": {"iat": now + 3600},
        "party": {"aud": ["publica", "somebody-else"], "azp": "somebody-else"},
        "two audiences": {"aud": ["publica", "somebody-else"]},
        "number": {"preferred_username": 7},
    }
    gone = {"no nonce": "nonce", "no expiry": "exp", "no audience": "aud", "no name": "preferred_username"}
    made = {**claims, **wrong.get(fault or "", {})}
    made.pop(gone.get(fault or "", ""), None)
    return made


def part(value: dict[str, Any]) -> str:
    """A part of a token by hand."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(claims: dict[str, Any], private: dict[str, Any], fault: str | None) -> str:
    """An ID token, signed wrongly as told."""
    key = RSAKey.import_key(private)  # type: ignore[arg-type]
    kid = key.ensure_kid() or key.kid
    header = {"alg": "RS256", "kid": kid}
    match fault:
        case "signature":
            return jwt.encode(header, claims, OTHER)
        case "unknown key":
            return jwt.encode({"alg": "RS256", "kid": "unheard-of"}, claims, OTHER)
        case "own key":  # the token brings the key that it is signed with
            return jwt.encode({"alg": "RS256", "jwk": OTHER.as_dict(private=False)}, claims, OTHER)
        case "none":
            return f"{part({'alg': 'none', 'kid': kid})}.{part(claims)}."
        case "public key as secret":  # which everybody has
            text = f"{part({'alg': 'HS256', 'kid': kid})}.{part(claims)}"
            mac = hmac.digest(key.as_pem(private=False), text.encode(), "sha256")
            return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        case "logout":
            return jwt.encode({**header, "typ": "logout+jwt"}, claims, key)
        case "garbage":
            return "garbage"
    return jwt.encode(header, claims, key)


def build() -> tuple[flask.Flask, Told]:
    app, told = oidc_provider_mock.app(), Told()

    def private() -> dict[str, Any]:
        return dict(flask.g.oidc_provider_mock_storage.jwk.as_dict(is_private=True))

    @app.route("/told", methods=["GET", "POST"])
    def tell() -> Any:
        if flask.request.method == "POST":
            given = flask.request.get_json()
            told.fault, told.seconds = given.get("fault"), float(given.get("seconds", 0))
        return flask.jsonify({"asked": told.asked})

    @app.post("/machine")
    def machine() -> Any:
        """What a client-credentials grant gives: a JWT access token of these claims, signed as told."""
        given = flask.request.get_json()
        now = int(time.time())
        usual = {"iss": flask.request.host_url.rstrip("/"), "iat": now, "exp": now + 300, "sub": "robot"}
        return flask.jsonify({"token": signed({**usual, **given["claims"]}, private(), given.get("fault"))})

    @app.before_request
    def before() -> Any:
        asked = flask.request
        if asked.path in ("/told", "/machine"):
            return None
        if told.fault == "slow":
            time.sleep(told.seconds)
        if told.fault == "broken":
            return "broken", 500
        if told.fault == "elsewhere":
            return flask.redirect("http://127.0.0.1:1/")
        if asked.path == "/oauth2/authorize":
            told.asked.append({"authorize": asked.args.to_dict()})
            if asked.args.get("code_challenge_method") != "S256" or not asked.args.get("code_challenge"):
                return "PKCE is missing", 400
        if asked.path == "/oauth2/token":
            told.asked.append(
                {"token": asked.form.to_dict(), "authorization": "Authorization" in asked.headers}
            )
            verifier = asked.form.get("code_verifier", "").encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
            if told.challenges.get(asked.form.get("code", "")) != digest:
                return flask.jsonify({"error": "invalid_grant"}), 400
        return None

    @app.after_request
    def after(answer: flask.Response) -> flask.Response:
        asked = flask.request
        if asked.path == "/oauth2/authorize" and answer.status_code == 302:
            query = parse_qs(urlsplit(answer.headers["Location"]).query)
            if "code" in query:
                told.challenges[query["code"][0]] = asked.args["code_challenge"]
        if asked.path == "/.well-known/openid-configuration" and told.fault == "metadata":
            answer.set_data(json.dumps({**answer.get_json(), "issuer": "https://other.example"}))
        if asked.path == "/.well-known/openid-configuration" and told.fault == "plain address":
            answer.set_data(json.dumps({**answer.get_json(), "jwks_uri": "http://keys.example/jwks"}))
        if asked.path == "/jwks" and told.fault == "no keys":
            answer.set_data('{"keys": [{"kty": "RSA"}]}')
        if asked.path == "/oauth2/token" and answer.status_code == 200:
            body = answer.get_json()
            claims = json.loads(jws.extract_compact(body["id_token"].encode()).payload)
            body["id_token"] = signed(changed(claims, told.fault), private(), told.fault)
            if told.fault == "no token":
                del body["id_token"]
            answer.set_data(json.dumps(body))
        return answer

    return app, told


def main() -> None:
    app, _ = build()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
