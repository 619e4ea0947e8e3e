"""Certificates of an authority of the tests' own."""

import ssl
import subprocess
import time
from pathlib import Path

# What openssl's -not_before and -not_after take.
PAST = ("20200101000000Z", "20200102000000Z")
FUTURE = "20991231000000Z"


def yesterday():
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() - 86400))


def openssl(folder, *arguments):
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True,
                          capture_output=True, text=True).stdout


class Authority:
    """Its certificate is folder/NAME.pem; anybody may read all files. It is of
    yesterday, for hosts whose clock is late."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = Path(folder), name
        self.path = self.folder / f"{name}.pem"
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-noenc",
                "-not_before", yesterday(), "-not_after", FUTURE, "-subj",
                f"/CN={name}", "-keyout", f"{name}.key", "-out",
                f"{name}.pem")
        self.path.chmod(0o644)

    def issue(self, alternative_name, name="server", validity=None,
              common_name="localhost"):
        """Paths of certificate and key; alternative_name is "DNS:..." or
        "IP:...", validity first and last moment."""
        openssl(self.folder, "req", "-newkey", "rsa:2048", "-noenc", "-subj",
                f"/CN={common_name}", "-keyout", f"{name}.key", "-out",
                f"{name}.csr")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative_name}\n")
        first, last = validity or (yesterday(), FUTURE)
        times = ("-not_before", first, "-not_after", last)
        openssl(self.folder, "x509", "-req", "-in", f"{name}.csr", "-CA",
                f"{self.name}.pem", "-CAkey", f"{self.name}.key", *times,
                "-extfile", extensions, "-out", f"{name}.pem")
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        for path in paths:
            path.chmod(0o644)
        return paths

    def context(self, *arguments, **options):
        """A server's, with a certificate that issue() makes."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(*arguments, **options))
        return context

    def trust(self):
        """Has this machine's programs accept what it issues."""
        digest = openssl(self.folder, "x509", "-in", self.path, "-noout",
                         "-hash").strip()
        path = Path(f"/etc/ssl/certs/{digest}.0")
        path.write_bytes(self.path.read_bytes())
        return path
