"""The practice city's files: a fictitious resident register, keys, dumps, a real restic repository.

Written once and never again: a restart must find the same bytes, or the custody record of the
backup would rightly complain. The people are drawn from short lists by a fixed seed.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import secrets
import shutil
from pathlib import Path

from backups.restic import arguments
from bcp.kit import process
from bcp.kit.durable import write_atomic
from bcp.kit.errors import BcpError
from bcp.service.demo.folders import Folders

ROWS = 500
_SEED = 20261123
_FAMILY = ("練習", "見本", "架空", "試験", "例示", "仮名", "演習", "想定", "訓練", "参考")
_GIVEN = ("太郎", "花子", "一郎", "桜", "健", "葵", "誠", "結衣", "茂", "千代")
_PLACES = ("築館", "若柳", "栗駒", "高清水", "一迫", "瀬峰", "鶯沢", "金成", "志波姫", "花山")
OLD_NAME = "外字一覧(旧NAS).txt".encode("cp932")
"""A file name as an old NAS left it: bytes that are not UTF-8."""
MARKER = ".ict-bcp-marker"


def register_csv() -> bytes:
    """The register: the same bytes every time."""
    chance, out = random.Random(_SEED), io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["住民番号", "氏名", "生年月日", "住所", "世帯番号", "異動日"])
    for number in range(1, ROWS + 1):
        born = (
            f"{chance.randint(1930, 2024)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        )
        moved = f"2026-{chance.randint(1, 11):02d}-{chance.randint(1, 22):02d}"
        place = f"練習市{chance.choice(_PLACES)}{chance.randint(1, 99)}番地(架空)"
        name = f"{chance.choice(_FAMILY)} {chance.choice(_GIVEN)}"
        writer.writerow([f"{number:08d}", name, born, place, f"S{(number + 2) // 3:06d}", moved])
    return out.getvalue().encode()


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a file that is not there yet; its mode is set even when it was."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        write_atomic(path, data, mode)


def write_files(folders: Folders) -> None:
    """Everything but the repository. Blocking, idempotent."""
    for folder in (folders.root, folders.register, folders.host, folders.kept, folders.restored):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    chance = random.Random(_SEED)
    table = register_csv()
    _write(folders.register_file, table, 0o640)
    _write(folders.register / MARKER, b"practice\n", 0o640)
    old = Path(os.fsdecode(os.fsencode(folders.register) + b"/" + OLD_NAME))
    _write(old, "髙 﨑 德\n".encode("cp932", "replace"), 0o640)
    moves = [{"番号": f"{n:08d}", "事由": "転入" if n % 2 else "転居"} for n in range(1, 60)]
    _write(
        folders.register / "異動履歴.json",
        json.dumps(moves, ensure_ascii=False, indent=1).encode(),
        0o640,
    )
    for number in range(1, 4):  # images do not compress: packs get a size worth flipping a byte in
        image = folders.register / "画像" / f"届出書-{number:04d}.tif"
        _write(image, b"II*\0" + chance.randbytes(200_000), 0o640)
    _write(folders.sealing_key, b"PRACTICE KEY, WORTH NOTHING\n" + os.urandom(32), 0o600)
    _write(folders.dump, b"Salted__" + chance.randbytes(60_000), 0o600)  # as openssl enc leaves it
    _write(folders.metrics_token, (secrets.token_urlsafe(24) + "\n").encode(), 0o600)
    _write(folders.password, (secrets.token_urlsafe(24) + "\n").encode(), 0o600)


def restic_program() -> str:
    """The restic of this machine. Raises `BcpError` with what to install."""
    found = shutil.which("restic")
    if found is None:
        raise BcpError(
            "restic がありません / restic is not installed",
            where="PATH",
            next_step="apt-get install restic (root) を実行してから始め直す / install it, start again",
        )
    return found


async def make_repository(folders: Folders) -> bool:
    """Create the restic repository when there is none; whether it was created now.

    Dying in the middle leaves a folder without `config`, which is made anew at the next start. A
    repository whose config was taken away by somebody is *not* replaced: its data is still there.
    """
    if (folders.repository / "config").exists():
        return False
    if folders.repository.exists() and any((folders.repository / "data").rglob("*/*")):
        raise BcpError(
            "リポジトリに config がありません / the repository has no config",
            where=str(folders.repository),
            next_step="DATA/practice を消すと練習市を作り直す / delete DATA/practice to start over",
        )
    shutil.rmtree(folders.repository, ignore_errors=True)
    cache = folders.root / "cache"
    cache.mkdir(exist_ok=True, mode=0o700)
    target = arguments.Target(
        restic_program(), str(folders.repository), folders.password, cache, cache
    )
    done = await process.run(
        arguments.init(target), deadline=60, env=arguments.environment(target), cwd=folders.root
    )
    if done.returncode != 0 or done.timed_out:
        raise BcpError(
            "restic init に失敗しました / restic init failed",
            where=str(folders.repository),
            got=done.last_lines,
        )
    folders.repository.chmod(0o700)
    return True
