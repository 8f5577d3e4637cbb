"""The stage of the file check: the stage of the report, a key list with our seal in it, and ``/verify/file``."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from werkzeug.test import TestResponse

from bot.registration.report import report_of
from bot.registration.verification import Subject
from handlers.files import pages as file_pages
from handlers.keylist.model import KeyState, ReportKey
from handlers.report.pdf import Press, Sheet
from handlers.report.seal import Seal
from handlers.report.seal_key import SealKey, make_seal_key
from tests.handlers.keylist.listing import SINCE, key_list
from tests.handlers.report.sample import NOW, SEASON
from tests.handlers.report.stage import BASE_URL, HANDLERS, Stage

if TYPE_CHECKING:
    from flask.testing import FlaskClient

HOST = "quxiang.example.edu.cn"
GOOD = 'class="verdict good"'


def listed_key(key: SealKey, state: KeyState) -> ReportKey:
    """Return the entry of a seal in the key list."""
    certificate = x509.load_pem_x509_certificate(key.certificate_pem).public_bytes(Encoding.DER)
    return ReportKey(certificate, state, SINCE)


@dataclass
class FileStage:
    """The stage: a report's stage beneath, the state of its seal, and who may upload.

    Attributes:
        under: the stage of the report.
        state: of the seal with which the reports of the stage are signed.
        may_upload: what the tighter limit says.
    """

    under: Stage
    state: KeyState = KeyState.CURRENT
    may_upload: bool = True
    uploaders: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        ours = listed_key(self.under.seal_key, self.state)
        spare = listed_key(make_seal_key(SEASON.school, NOW), KeyState.CURRENT)
        listed = key_list(report=(ours,) if self.state is KeyState.CURRENT else (spare, ours))
        app = Flask("files", template_folder=str(HANDLERS / "templates"), static_folder=str(HANDLERS / "static"))
        app.testing = True
        door = file_pages.FilesDoor(
            self.under.counter,
            self.under.keys,
            listed,
            BASE_URL,
            lambda _address: self.under.may_look,
            self._may_upload,
        )
        app.register_blueprint(file_pages.create_blueprint(door))
        self.client: FlaskClient = app.test_client()

    def _may_upload(self, address: str) -> bool:
        self.uploaders.append(address)
        return self.may_upload

    def issued(self, subject: Subject = Subject.ARCHIVE, key: SealKey | None = None) -> bytes:
        """Return the file a graduate downloads now, sealed with the stage's key or with another."""
        with self.under.work.reading() as uow:
            dossier, season = uow.registry.by_id(self.under.dossier.id), uow.seasons.current()
        assert dossier
        assert season
        verification = dossier.verification_of(subject)
        assert verification
        report = report_of(season, dossier, verification, self.under.now)
        seal = Seal(key or self.under.seal_key, lambda: self.under.now)
        return Press(seal).pdf(Sheet(report, self.under.keys.landing_url(BASE_URL, verification), HOST))

    def check(self, pdf: bytes, query: str = "", **fields: str) -> TestResponse:
        """Upload a file and return the answer."""
        head = "--edge\r\nContent-Disposition: form-data; "
        texts = [f'{head}name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
        file = f'{head}name="file"; filename="report.pdf"\r\n\r\n'
        # Written here: the client's own way would put a large body into a file, which is what must not happen.
        body = "".join([*texts, file]).encode() + pdf + b"\r\n--edge--\r\n"
        return self.client.post(f"/verify/file{query}", data=body, content_type="multipart/form-data; boundary=edge")
