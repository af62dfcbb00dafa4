"""Several who apply at once: each input is checked against what is there when it is written."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from publica.kernel.database import Database
from publica.kernel.errors import BadInput
from publica.kernel.records import altered, apply, revisions

from .world import CARLA, KINDS, changed, current, document, everything, give


def together(*jobs: object) -> list[BaseException]:
    """Run jobs in threads that start at the same moment; returns what they raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(jobs))

    def run(job: object) -> None:
        barrier.wait()
        try:
            job()  # type: ignore[operator]
        except BadInput as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def job(db: Database, folder: Path, name: str, text: str) -> object:
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return lambda: apply(db, KINDS, [file], CARLA)


def test_threads_that_change_the_same_record_write_one_revision_each(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, everything())
    texts = [changed("organisation:social", ("Social services", f"Name {number}")) for number in range(8)]
    assert together(*(job(db, tmp_path, f"n{number}", text) for number, text in enumerate(texts))) == []
    with db.read() as connection:
        history = revisions(connection, KINDS, "organisation", "social")
        assert list(altered(connection)) == []
    assert [record.revision for record in history] == list(range(1, 10))
    assert len({record.spec.name for record in history}) == 9


def test_the_same_input_twice_at_once_is_written_once(db: Database, tmp_path: Path) -> None:
    assert together(*(job(db, tmp_path, f"n{number}", everything()) for number in range(4))) == []
    assert {record.revision for record in current(db).records.values()} == {1}


def test_two_changes_that_exclude_each_other_are_not_both_written(db: Database, tmp_path: Path) -> None:
    """One drops a column, the other starts to use it; whoever comes second is refused."""
    give(db, tmp_path, everything())
    drop = changed("dataset:population", ("    - {name: birth_date, type: date, role: attribute}\n", ""))
    agreement = changed("agreement:registry-social", ("birth_date: year, ", ""))
    use = changed("activity:grant", ("[person_id, income]", "[person_id, income, birth_date]"))
    errors = together(job(db, tmp_path, "drop", f"{drop}\n---\n{agreement}"), job(db, tmp_path, "use", use))
    assert len(errors) == 1
    found = current(db)
    used = "birth_date" in found.get("activity", "grant").spec.datasets[0].columns  # type: ignore[union-attr]
    there = found.get("dataset", "population").spec.column("birth_date") is not None  # type: ignore[union-attr]
    assert used == there


PROCESS = """
import sys
from pathlib import Path
from records.world import CARLA, KINDS
from publica.kernel.database import Database
from publica.kernel.records import apply
db = Database(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for number in range(10):
    file = Path(sys.argv[1]) / f"{sys.argv[2]}.yaml"
    name = f"{sys.argv[2]} {number}"
    file.write_text(f"kind: organisation\\nid: social\\nspec: {{name: {name}, type: supplier}}\\n")
    apply(db, KINDS, [file], CARLA)
db.close()
"""


def test_two_processes_lose_no_revision(db: Database, tmp_path: Path) -> None:
    give(db, tmp_path, document("organisation:social"))
    tests = str(Path(__file__).parent.parent)
    running = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import sys; sys.path.insert(0, {tests!r})\n{PROCESS}",
                str(tmp_path),
                name,
                db.url.render_as_string(),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for process in running:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        process.communicate()
        assert process.returncode == 0
    with db.read() as connection:
        history = revisions(connection, KINDS, "organisation", "social")
        assert list(altered(connection)) == []
    assert [record.revision for record in history] == list(range(1, 22))
    for name in ("one", "two"):
        own = [record.spec.name for record in history if record.spec.name.startswith(name)]
        assert own == [f"{name} {number}" for number in range(10)]
