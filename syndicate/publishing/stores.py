"""Stores: where documents are published to. One small interface; obstore reaches object stores."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from syndicate.errors import ConfigError, PublishError
from syndicate.publishing.headers import SURROGATE_KEY
from syndicate.publishing.retry import TransientError

if TYPE_CHECKING:
    from syndicate.config import Target


class ConflictError(Exception):
    """The object is not what a conditional write expected: someone else wrote it."""


NEW: Final = object()  # the version of an object that is not to be there yet


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it is on a target."""

    data: bytes
    version: Any  # for a conditional write: opaque
    headers: Mapping[str, str]


class Store(Protocol):
    """A target. Every call raises TransientError, ConflictError or PublishError.

    Writes are whole or not at all.
    """

    keeps_headers: bool  # and wants no compressed siblings, which only a web server would choose

    def get(self, key: str) -> Stored | None:
        """The object, or None where there is none."""

    def put(self, key: str, data: bytes, headers: Mapping[str, str], version: Any = None) -> Any:
        """Write the object, and return its version.

        With ``version``, only over that version; with NEW, only where there is none.
        """

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is not there is no error."""


def open_store(target: Target, timeout: int, environment: Mapping[str, str]) -> Store:
    """``timeout``: seconds a request may take. Raises ConfigError, PublishError; asks nothing yet."""
    if target.scheme == "file":
        from syndicate.publishing.webroot import WebRoot

        return WebRoot(target.prefix)
    return ObjectStore(target, timeout, environment)


# What servers call a bucket that is not there: S3 and Google, Azure.
_NO_BUCKET = re.compile(r"<Code>(?:NoSuchBucket|ContainerNotFound)</Code>|ContainerNotFound")
_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3}[A-Za-z ]{0,40})")
# What a connection failed of, as obstore's messages say it, and what that means. The messages themselves
# hold addresses and keys' names, and are not shown.
_CAUSES = (
    ("Expired", "the server's certificate has expired"),
    ("UnknownIssuer", "the server's certificate is signed by nobody known (set ca_file of the target)"),
    ("NotValidForName", "the server's certificate is for another name (mend endpoint)"),
    ("InvalidCertificate", "the server's certificate is not valid"),
    ("dns error", "there is no such host (mend endpoint)"),
    ("ConnectionRefused", "nothing listens there (mend endpoint, or start the server)"),
    ("TimedOut", "no answer in time"),
    ("IncompleteMessage", "the connection was dropped"),
    ("ConnectionReset", "the connection was dropped"),
)
_FINAL = ("Expired", "UnknownIssuer", "NotValidForName", "InvalidCertificate")


class ObjectStore:
    """S3, Google Cloud Storage, Azure, and what speaks as they do."""

    keeps_headers = True

    def __init__(self, target: Target, timeout: int, environment: Mapping[str, str]) -> None:
        self._target = target
        # Azure's names of metadata are identifiers.
        self._surrogate_key = SURROGATE_KEY.replace("-", "_") if target.scheme == "az" else SURROGATE_KEY
        self.store = _opened(target, timeout, environment)

    def get(self, key: str) -> Stored | None:
        import obstore

        with self._translated(key):
            try:
                result = obstore.get(self.store, self._key(key))
                data = bytes(result.bytes())
            except FileNotFoundError as error:
                if self.lacks_bucket(error):
                    raise self.no_bucket() from None
                return None
            headers = {
                SURROGATE_KEY if name == self._surrogate_key else name: value
                for name, value in result.attributes.items()
            }
            return Stored(data, _version(result.meta), headers)

    def put(self, key: str, data: bytes, headers: Mapping[str, str], version: Any = None) -> Any:
        import obstore

        mode: Any = "create" if version is NEW else version or "overwrite"
        attributes = {
            self._surrogate_key if name == SURROGATE_KEY else name: value for name, value in headers.items()
        }
        with self._translated(key):
            try:
                # One request each: what is there is never a part of it.
                result = obstore.put(
                    self.store, self._key(key), data, attributes=attributes, mode=mode, use_multipart=False
                )
            except FileNotFoundError:
                raise self.no_bucket() from None
            return _version(result)

    def delete(self, keys: Iterable[str]) -> None:
        import obstore

        written = [self._key(key) for key in keys]
        with self._translated(written[0]):
            try:
                obstore.delete(self.store, written)
            except FileNotFoundError:
                # Some services mind what is not there, and may have stopped at it.
                for key in written:
                    with contextlib.suppress(FileNotFoundError):
                        obstore.delete(self.store, key)

    @contextlib.contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            raise self.meaning(error, key) from None

    def _key(self, key: str) -> str:
        return f"{self._target.prefix}/{key}" if self._target.prefix else key

    def lacks_bucket(self, error: FileNotFoundError) -> bool:
        """Whether it is the bucket that was not found."""
        return bool(_NO_BUCKET.search(str(error)))

    def no_bucket(self) -> PublishError:
        return PublishError(
            "the bucket is not there", self._target.url, "make it, or mend publish.targets; nothing was made"
        )

    def meaning(self, error: Exception, key: str) -> Exception:
        """What an error of obstore means to whoever reads it. Its own text is shown to nobody."""
        import obstore.exceptions as known

        text = str(error)
        url = self._target.url
        code = _CODE.search(text)
        said = f" ({code[1]})" if code else ""
        if isinstance(error, known.AlreadyExistsError | known.PreconditionError | known.NotModifiedError):
            return ConflictError(key)
        if "409 Conflict" in text:  # two conditional writes met
            return ConflictError(key) if "Conditional" in text else TransientError(f"{url}: conflict{said}")
        if isinstance(error, known.UnauthenticatedError | known.PermissionDeniedError):
            return PublishError(
                f"access denied{said}", url, _who_to_be(self._target, code[1] if code else "")
            )
        if isinstance(error, known.NotSupportedError) or "501 Not Implemented" in text:
            return PublishError(
                "the store cannot do conditional writes",
                url,
                "without them two publishers could mix their work",
            )
        status = _STATUS.search(text)
        if status:
            answer = f"the server answered {status[1].strip()}{said}"
            if status[1][0] == "5" or status[1][:3] in ("408", "429"):
                return TransientError(f"{url}: {answer}")
            return PublishError(answer, f"{url}: {key}", "mend endpoint, region or the bucket's name")
        for word, cause in _CAUSES:
            if word in text:
                if word in _FINAL:
                    return PublishError("no safe connection", url, cause)
                return TransientError(f"{url}: {cause}")
        if "redential" in text or "169.254." in text:
            return PublishError("there are no credentials", url, _who_to_be(self._target, ""))
        return TransientError(f"{url}: the request failed")


def _version(result: Mapping[str, Any]) -> dict[str, str]:
    """What a conditional write is to name: ETag and generation, as far as a store has them."""
    return {name: result[name] for name in ("e_tag", "version") if result.get(name)}


def _who_to_be(target: Target, code: str) -> str:
    """What to do about credentials that do not open the door."""
    names = {
        "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        "gs": "GOOGLE_APPLICATION_CREDENTIALS",
        "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    }[target.scheme]
    if code == "InvalidAccessKeyId":
        return "the server does not know this key: check AWS_ACCESS_KEY_ID"
    if code == "SignatureDoesNotMatch":
        return "the secret does not fit the key: check AWS_SECRET_ACCESS_KEY, and that no space is in it"
    allowed = {
        "s3": "s3:GetObject, s3:PutObject and s3:DeleteObject on its objects, and s3:ListBucket on the bucket"
        " (without which S3 denies what is only missing)",
        "gs": "storage.objects.get, create and delete",
        "az": "reading, writing and deleting of blobs",
    }[target.scheme]
    return f"check {names} in the environment, and that they allow {allowed}"


def _opened(target: Target, timeout: int, environment: Mapping[str, str]) -> Any:
    from obstore.exceptions import BaseError
    from obstore.store import AzureStore, GCSStore, S3Store

    options: dict[str, Any] = {
        "timeout": timedelta(seconds=timeout),
        "connect_timeout": timedelta(seconds=min(timeout, 10)),
    }
    if target.ca_file:
        try:
            options["root_certificate"] = target.ca_file.read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot read ca_file: {target.ca_file}: {error.strerror}") from None
    if target.endpoint.startswith("http:"):
        options["allow_http"] = True
    # Tries are counted, and bounded in time, in one place: retry.py.
    common: dict[str, Any] = {"client_options": options, "retry_config": {"max_retries": 0}}
    try:
        if target.scheme == "gs":
            return GCSStore(target.bucket, **common)
        if target.scheme == "az":
            if target.endpoint:
                common["endpoint"] = target.endpoint
            return AzureStore(target.bucket, **common)
        if environment.get("AWS_PROFILE") and not environment.get("AWS_ACCESS_KEY_ID"):
            common["credential_provider"] = _profile_credentials()
        elif target.endpoint and not environment.get("AWS_ACCESS_KEY_ID"):
            # Only Amazon's own machines could be asked for some, and they have none for others' services.
            raise PublishError("there are no credentials", target.url, _who_to_be(target, ""))
        if target.endpoint:
            scheme, _, host = target.endpoint.partition("://")
            common["endpoint"] = (
                target.endpoint if target.path_style else f"{scheme}://{target.bucket}.{host}"
            )
        return S3Store(
            target.bucket, region=target.region, virtual_hosted_style_request=not target.path_style, **common
        )
    except BaseError:  # its text may show the environment's values
        raise PublishError("cannot use this target", target.url, _who_to_be(target, "")) from None


def _profile_credentials() -> Any:
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        raise ConfigError(
            "AWS_PROFILE needs syndicate[aws], which is not installed (or set AWS_ACCESS_KEY_ID)"
        ) from None
    return Boto3CredentialProvider()
