"""Articles, work area and documents in a real S3 server: nothing is on a disk that workers share."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import Inline, articles, build, rows, tasks
from conftest import CONFIG, NOW, Project, article
from servers import BUCKET, Asked, Recorder, Weed

import syndicate
from syndicate.cluster.build import Cost, build_and_publish_on_cluster
from syndicate.cluster.sources import Folder, folders_to_list, roots_of
from syndicate.cluster.storage import Storage
from syndicate.config import local_place
from syndicate.publishing.plan import Reason as Sent


class Remote:
    """A project whose articles and work area are in the server, and that publishes there."""

    def __init__(self, project: Project, weed: Weed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.weed = project, weed
        self.prefix = uuid.uuid4().hex
        self.service = {"endpoint": weed.endpoint, "ca_file": str(weed.ca)}
        for name, value in weed.environment.items():
            monkeypatch.setenv(name, value)

    def url(self, name: str) -> str:
        return f"s3://{BUCKET}/{self.prefix}/{name}"

    def configure(self, include: str = "**/*.md", endpoint: str = "", more: str = "", **publish: Any) -> None:
        service = {"endpoint": endpoint} if endpoint else self.service
        cluster = {"work": self.url("work/"), "partition_files": 10, "fan_in": 3, **self.service}
        section = {"targets": [{"url": self.url("feeds/"), **service}], **publish}
        self.project.configure(
            CONFIG.replace("[news]", json.dumps([self.url("news/")]))
            + f"  include: {json.dumps([include])}\n{more}"
            + f"cluster: {json.dumps(cluster)}\npublish: {json.dumps(section)}\n"
        )

    def put(self, name: str, data: str | bytes) -> None:
        body = data.encode() if isinstance(data, str) else data
        self.weed.client().put_object(Bucket=BUCKET, Key=f"{self.prefix}/{name}", Body=body)

    def put_files(self, files: dict[str, str]) -> None:
        for stem, text in files.items():
            self.put(f"news/{stem}.md", text)

    def run(
        self, cluster: Any = None, **options: Any
    ) -> tuple[syndicate.Report, syndicate.PublishReport, Cost]:
        options.setdefault("now", NOW)
        return build_and_publish_on_cluster(self.project.settings, cluster or Inline(), **options)

    def there(self) -> dict[str, bytes]:
        return self.weed.documents(f"{self.prefix}/feeds/")


@pytest.fixture
def remote(project: Project, weed: Weed, monkeypatch: pytest.MonkeyPatch) -> Remote:
    return Remote(project, weed, monkeypatch)


@pytest.fixture
def proxy(weed: Weed) -> Iterator[Recorder]:
    """Between uploaders and the server: makes faults."""
    with Recorder(weed.http_port) as recorder:
        yield recorder


def embedded(tmp_path: Path, files: dict[str, str], more: str = "", publish: str = "") -> dict[str, bytes]:
    """What the embedded build makes of the same articles."""
    (tmp_path / "embedded").mkdir()
    project = Project(tmp_path / "embedded")
    # With a target documents say for how long they may be kept.
    project.configure(CONFIG + more + f"publish: {{cache_control: 'public, max-age=300'{publish}}}\n")
    for stem, text in files.items():
        project.write(stem, text)
    project.build()
    return project.documents()


class TestStraightToTheStore:
    def test_same_bytes_and_nothing_here(self, remote: Remote, tmp_path: Path) -> None:
        files = articles(40)
        remote.put_files(files)
        remote.configure(more="feeds: {archive: month, limit: 9}\n")
        report, published, _ = remote.run()
        assert published.all_errors == ()
        assert remote.there() == embedded(tmp_path, files, "feeds: {archive: month, limit: 9}\n")
        assert report.articles > 10
        assert remote.project.documents() == {}
        status = syndicate.read_status(remote.project.settings)
        assert status.documents == len(remote.there())
        assert status.bytes == sum(map(len, remote.there().values()))
        assert status.groups[0].articles == report.articles
        assert not (remote.project.root / ".syndicate" / "cluster").exists()

    def test_headers_and_manifest_are_those_of_publish(self, remote: Remote) -> None:
        remote.put_files(articles(5))
        remote.configure()
        remote.run()
        answer = remote.weed.client().get_object(Bucket=BUCKET, Key=f"{remote.prefix}/feeds/feed.rss")
        assert answer["ContentType"] == "application/rss+xml; charset=utf-8"
        assert answer["CacheControl"] == "public, max-age=300"
        manifest = json.loads(
            remote.weed.client()
            .get_object(Bucket=BUCKET, Key=f"{remote.prefix}/feeds/.syndicate/manifest.json")["Body"]
            .read()
        )
        assert manifest["objects"].keys() == remote.there().keys()
        assert manifest["claim"] is None

    def test_only_what_changed(self, remote: Remote, tmp_path: Path) -> None:
        files = articles(30)
        remote.put_files(files)
        remote.configure()
        remote.run()
        report, published, cost = remote.run()
        assert [target.count(Sent.UNCHANGED) for target in published.targets] == [len(remote.there())]
        assert report.read == 0
        assert (tasks(cost, "reading"), tasks(cost, "rendering"), tasks(cost, "uploading")) == (0, 0, 0)
        stem = sorted(files)[7]
        files[stem] = files[stem].replace("Article", "Changed article")
        remote.put_files({stem: files[stem]})
        _, published, cost = remote.run()
        assert published.all_errors == ()
        assert tasks(cost, "reading") == 1
        assert remote.there() == embedded(tmp_path, files)

    def test_a_group_that_is_gone(self, remote: Remote, tmp_path: Path) -> None:
        files = articles(20)
        remote.put_files({**files, "last": next(iter(articles(1).values())).replace("[]", '["Only here"]')})
        remote.configure()
        remote.run()
        remote.weed.client().delete_object(Bucket=BUCKET, Key=f"{remote.prefix}/news/last.md")
        remote.run()
        assert remote.there() == embedded(tmp_path, files)

    def test_rows(self, remote: Remote, tmp_path: Path) -> None:
        """NDJSON in ranges and Parquet by row groups, straight from the server."""
        import io

        import pyarrow.parquet
        from clusters import row

        files = articles(200)
        stems = list(files)
        remote.put("news/a.ndjson", rows({stem: files[stem] for stem in stems[:120]}) + " " * 2_000_000)
        values = [row(stem, files[stem]) for stem in stems[120:]]
        columns = sorted({name for value in values for name in value})
        buffer = io.BytesIO()
        pyarrow.parquet.write_table(
            pyarrow.table({name: [value.get(name) for value in values] for name in columns}),
            buffer,
            row_group_size=20,
        )
        remote.put("news/deep/er/b.parquet", buffer.getvalue())
        remote.configure(include="**/*.[np]*", more="")
        config = remote.project.root / "config" / "syndicate.yaml"
        config.write_text(
            config.read_text().replace('["**/*.[np]*"]', '["**/*.ndjson", "**/*.parquet"]').replace(
                '"fan_in": 3', '"fan_in": 3, "partition_megabytes": 1'
            )
        )  # fmt: skip
        _, published, cost = remote.run()
        assert published.all_errors == ()
        assert tasks(cost, "reading") == 4  # three ranges, and a file of four small row groups
        assert remote.there() == embedded(tmp_path, files)

    def test_to_the_output_directory(self, remote: Remote, tmp_path: Path) -> None:
        """Articles from the server, documents on a disk."""
        files = articles(30)
        remote.put_files(files)
        remote.configure()
        build(remote.project)
        assert remote.project.documents() == embedded(tmp_path, files)
        assert remote.there() == {}


class TestFaults:
    @pytest.mark.parametrize("fault", [500, 503, "drop", "lose"])
    def test_a_store_that_fails_for_a_moment(
        self, remote: Remote, proxy: Recorder, tmp_path: Path, fault: int | str
    ) -> None:
        """What fails is tried again, and every document is there."""
        files = articles(20)
        remote.put_files(files)
        remote.configure(endpoint=proxy.url.rstrip("/"))
        puts = 0

        def sometimes(asked: Asked) -> Any:
            nonlocal puts
            if asked.method == "PUT":
                puts += 1
                return fault if puts % 5 == 3 else None
            return None

        proxy.fault = sometimes
        _, published, _ = remote.run()
        assert published.all_errors == ()
        assert remote.there() == embedded(tmp_path, files)

    def test_a_store_that_fails_for_good(self, remote: Remote, proxy: Recorder, tmp_path: Path) -> None:
        """In the middle of writing: an error, whole documents, no claim; the next run goes on from there."""
        files = articles(20)
        remote.put_files(files)
        remote.configure(endpoint=proxy.url.rstrip("/"), deadline=2)
        puts = 0

        def broken(asked: Asked) -> Any:
            nonlocal puts
            puts += asked.method == "PUT" and "manifest" not in asked.path
            return 500 if puts > 10 and asked.method == "PUT" and "manifest" not in asked.path else None

        proxy.fault = broken
        _, published, _ = remote.run()
        assert published.exit_code == 4
        assert "cannot upload" in str(published.all_errors[0])
        expected = embedded(tmp_path, files)
        there = remote.there()
        assert 0 < len(there) < len(expected)
        assert all(expected[path] == data for path, data in there.items())
        proxy.fault = lambda _: None
        _, published, cost = remote.run()
        assert published.all_errors == ()
        assert remote.there() == expected
        assert (tasks(cost, "reading"), tasks(cost, "rendering")) == (0, 0)

    def test_after_a_failure_nothing_more_is_begun(
        self, remote: Remote, proxy: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A store that is down is tried for as long as one document may be tried, not as often as there are some."""
        monkeypatch.setattr("syndicate.cluster.build._UPLOADED_AT_ONCE", 2)
        remote.put_files(articles(10))
        remote.configure(endpoint=proxy.url.rstrip("/"), deadline=1)
        proxy.fault = lambda asked: 500 if asked.method == "PUT" and "manifest" not in asked.path else None
        _, published, _ = remote.run()
        assert published.exit_code == 4
        assert sum(target.count(Sent.NEW) for target in published.targets) > 20
        asked = {
            asked.path for asked in proxy.asked if asked.method == "PUT" and "manifest" not in asked.path
        }
        assert len(asked) == 2

    def test_a_folder_of_a_web_server(self, remote: Remote, tmp_path: Path) -> None:
        """Is the client's: workers on other machines have another one of that name, or none."""
        files = articles(10)
        remote.put_files(files)
        remote.configure()
        config = remote.project.root / "config" / "syndicate.yaml"
        head, _, _ = config.read_text().partition("publish:")
        (tmp_path / "web").mkdir()
        config.write_text(head + f"publish: {{targets: [{{url: 'file://{tmp_path}/web'}}]}}\n")
        _, published, cost = remote.run()
        assert published.all_errors == ()
        assert tasks(cost, "uploading") == 0
        web = tmp_path / "web"
        found = {p.relative_to(web).as_posix(): p.read_bytes() for p in web.rglob("*") if p.is_file()}
        assert {path: data for path, data in found.items() if ".syndicate" not in path} == embedded(
            tmp_path, files
        )

    def test_somebody_else_s_object(self, remote: Remote) -> None:
        remote.put_files(articles(5))
        remote.configure()
        remote.put("feeds/feed.rss", "mine")
        _, published, _ = remote.run()
        assert ["somebody else's object is there" in str(error) for error in published.all_errors] == [True]
        assert remote.there()["feed.rss"] == b"mine"
        assert "feed.atom" in remote.there()

    def test_a_run_that_was_overtaken_uploads_nothing(self, remote: Remote) -> None:
        """A worker may outlive its run: what it would upload late is older than what is there."""
        remote.put_files(articles(5))
        remote.configure()

        class Overtaken(Inline):
            def map(self, context, stage, tasks, cost):  # type: ignore[no-untyped-def]
                if stage == "uploading":
                    Storage(self.place).put("syndicate.run", b"another")
                return super().map(context, stage, tasks, cost)

        _, published, _ = remote.run(Overtaken())
        assert "another run has begun" in str(published.all_errors[0])
        assert remote.there() == {}

    def test_an_output_directory_that_is_not_shared(self, project: Project) -> None:
        """A worker that sees another folder of the same name writes nothing."""
        project.write("a")

        class Elsewhere(Inline):
            def map(self, context, stage, tasks, cost):  # type: ignore[no-untyped-def]
                if stage == "rendering":
                    (project.root / ".syndicate" / "syndicate.run").write_text("another")
                return super().map(context, stage, tasks, cost)

        with pytest.raises(syndicate.SyndicateError, match="sees another output directory"):
            build(project, Elsewhere())
        assert project.documents() == {}

    def test_a_work_area_that_is_not_shared(self, project: Project, tmp_path: Path) -> None:
        """A worker on another machine, where the folder of that name is another one."""
        project.write("a")

        class Elsewhere(Inline):
            @contextlib.contextmanager
            def connected(self, place: Any) -> Iterator[Any]:
                with super().connected(local_place(tmp_path / "elsewhere")) as engine:
                    yield engine

        with pytest.raises(syndicate.SyndicateError, match="a worker does not see the work area: file:///"):
            build(project, Elsewhere())

    def test_wrong_credentials(self, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
        remote.configure()
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
        with pytest.raises(syndicate.SyndicateError, match="access denied") as caught:
            remote.run()
        assert "wrong-secret" not in str(caught.value)
        assert caught.value.exit_code == 4

    def test_a_bucket_that_is_not_there(self, remote: Remote) -> None:
        remote.configure()
        config = remote.project.root / "config" / "syndicate.yaml"
        config.write_text(config.read_text().replace(f"s3://{BUCKET}/", "s3://nobody/"))
        with pytest.raises(syndicate.SyndicateError, match="the bucket is not there: s3://nobody"):
            remote.run()

    def test_an_empty_source(self, remote: Remote) -> None:
        """A failed mount of object storage: nothing is written, nothing removed."""
        remote.put_files(articles(5))
        remote.configure()
        remote.run()
        before = remote.there()
        config = remote.project.root / "config" / "syndicate.yaml"
        config.write_text(config.read_text().replace("/news/", "/elsewhere/"))
        with pytest.raises(syndicate.BrakeError, match="holds no articles: s3://"):
            remote.run()
        assert remote.there() == before

    def test_an_object_that_is_gone_before_it_is_read(self, remote: Remote) -> None:
        """Is a problem, in that run only."""
        remote.put_files({"a": article(), "b": article(webUrl="https://b.example/")})
        remote.configure()

        class Late(Inline):
            def map(self, context, stage, tasks, cost):  # type: ignore[no-untyped-def]
                if stage == "reading":
                    remote.weed.client().delete_object(Bucket=BUCKET, Key=f"{remote.prefix}/news/b.md")
                return super().map(context, stage, tasks, cost)

        report, _, _ = remote.run(Late())
        [problem] = report.problems
        assert str(problem) == (
            f"{remote.url('news/b.md')}:0:0: error: file: cannot be read: it is not there any more (mend its permissions)"
        )
        assert report.articles == 1
        assert remote.run()[0].problems == ()


class TestStorage:
    def test_a_local_folder(self, tmp_path: Path) -> None:
        storage = Storage(local_place(tmp_path / "work"))
        storage.put("a/b", b"0123456789")
        storage.put("a/c", b"")
        assert storage.get("a/b") == b"0123456789"
        assert storage.get_range("a/b", 3, 4) == b"3456"
        assert storage.get_range("a/b", 8, 40) == b"89"
        assert [found.key for page in storage.pages("") for found in page] == ["a/b", "a/c"]
        storage.delete(["a/b", "a/none"])
        with pytest.raises(FileNotFoundError):
            storage.get("a/b")
        assert (storage.bytes_read, storage.bytes_written) == (16, 10)

    def test_an_object_that_changed(self, remote: Remote) -> None:
        """What is read is what was listed, or nothing."""
        remote.configure()
        remote.put("news/a", "first")
        storage = Storage(remote.project.settings.content.stores[0])
        [[found]] = storage.pages("")
        assert (found.key, found.size) == ("a", 5)
        assert storage.get_range("a", 1, 2, found.tag) == b"ir"
        remote.put("news/a", "other")
        with pytest.raises(syndicate.SyndicateError, match="changed while it was read"):
            storage.get_range("a", 1, 2, found.tag)

    def test_many_pages(self, remote: Remote, proxy: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
        """More objects than a page of the server holds, in order."""
        from concurrent.futures import ThreadPoolExecutor

        remote.configure()
        names = [f"n{n:04}" for n in range(1_100)]
        storage = Storage(remote.project.settings.content.stores[0])
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: storage.put(name, b"x"), names))
        pages = list(storage.pages(""))
        assert len(pages) > 1
        assert [found.key for page in pages for found in page] == names
        # What fails between two pages is gone on with: a listing is whole, or an error.
        proxied = Storage(dataclasses.replace(storage.place, endpoint=proxy.url.rstrip("/"), ca_file=None))
        for fault in (503, "drop"):
            failed: list[str] = []

            def once(asked: Asked, fault: int | str = fault, failed: list[str] = failed) -> Any:
                if ("continuation-token" in asked.path or "start-after" in asked.path) and len(failed) < 2:
                    failed.append(asked.path)
                    return fault
                return None

            proxy.fault = once
            assert [found.key for page in proxied.pages("") for found in page] == names
            assert len(failed) == 2
        # They are never held together: one listing goes through them page by page.
        roots = list(enumerate(roots_of(remote.project.settings)))
        monkeypatch.setattr(Storage, "folders", lambda *_: pytest.fail("all of them at once"))
        assert folders_to_list(roots, lambda _: storage) == [Folder(0, "", True)]

    def test_a_service_that_is_down_for_a_while(
        self, remote: Remote, proxy: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nine times in a row no answer: a long build does not end for that. Twelve times: it does, and says so."""
        monkeypatch.setattr("syndicate.publishing.retry._LONGEST_PAUSE", 0.01)
        remote.configure()
        place = dataclasses.replace(
            remote.project.settings.content.stores[0], endpoint=proxy.url.rstrip("/"), ca_file=None
        )
        remote.put("news/a", "first")
        left = 9

        def down(_: Asked) -> Any:
            nonlocal left
            left -= 1
            return 503 if left >= 0 else None

        proxy.fault = down
        assert Storage(place).get("a") == b"first"
        proxy.fault = lambda _: "drop"
        with pytest.raises(
            syndicate.SyndicateError, match=r"cannot use s3://.*the connection was dropped \(tried 12 times\)"
        ):
            Storage(place).get("a")
