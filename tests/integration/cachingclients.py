"""Programs that keep a copy of a mailbox and know mails by their UIDs."""

import re

MBSYNC = """\
IMAPAccount far
Host 127.0.0.1
Port {port}
User {user}
PassCmd "cat {password}"
TLSType None
AuthMechs LOGIN

IMAPStore far
Account far

MaildirStore near
Path {folder}/
Inbox {folder}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Sync Pull
SyncState *
"""
OFFLINEIMAP = """\
[general]
accounts = all
metadata = {folder}/state
[Account all]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {folder}/mail
[Repository far]
type = IMAP
readonly = True
ssl = no
starttls = no
auth_mechanisms = LOGIN
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = {user}
remotepassfile = {password}
"""
# mbsync: what both sides got, new, changed and deleted.
DONE = re.compile(r"^Channels: 1 .* Far: \+0 \*0 #0 -0 +Near: \+(\d+) ",
                  re.MULTILINE)


class Client:
    name = config = None

    def __init__(self, mailbox, folder):
        self.mailbox, self.folder = mailbox, folder
        folder.mkdir()
        self.password = folder / "password"
        self.rc = folder / "rc"
        self.rc.write_text(self.config.format(
            folder=folder, port=mailbox.host.imap_port, user=mailbox.address,
            password=self.password))

    def run(self, *words):
        self.password.write_text(self.mailbox.password + "\n")
        result = self.mailbox.host.command(*words)
        result.expect(0)
        return result.output

    def copies(self):
        """Every mail on the near side: path -> (inode, time of the change)"""
        return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns)
                for name in ("cur", "new")
                for path in self.folder.glob(f"**/{name}/*")}


class Mbsync(Client):
    config = MBSYNC

    def sync(self):
        """How many mails were fetched."""
        return int(DONE.search(self.run(
            "mbsync", "-c", self.rc, "-V", "-a"))[1])


class Offlineimap(Client):
    config = OFFLINEIMAP

    def sync(self):
        said = self.run("offlineimap", "-o", "-c", self.rc, "-u", "basic")
        return len(re.findall(r"Copy message UID", said))
