"""Reading one article: every field, and what happens to what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from conftest import article, only_problem, reading
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.articles.model import Image, Provider, Video
from syndicate.articles.presets import PRESETS
from syndicate.errors import Severity

LINK = "https://publisher.example/a"


class TestWhatIsPublished:
    @pytest.mark.parametrize(
        "fields",
        [{"published": False}, {"published": "no"}, {"draft": True}, {"removed": "yes"}, {"deleted": "on"}],
    )
    def test_others_are_left_out_in_silence(self, fields: dict[str, object]) -> None:
        """A draft may be unfinished: nothing else of it is checked."""
        result = reading(article(**fields, title=None, webUrl="javascript:x"))
        assert (result.article, result.problems) == (None, ())

    def test_a_state_that_is_neither_keeps_it_out(self) -> None:
        """Publishing what may be a draft cannot be taken back."""
        result = reading(article(published="maybe"))
        assert result.article is None
        assert only_problem(result).what == "“maybe” is neither true nor false"


class TestRequiredFields:
    @pytest.mark.parametrize(
        ("fields", "field", "what"),
        [
            ({"title": None}, "title", "the title is missing"),
            ({"title": "  "}, "title", "the title is missing"),
            ({"title": ["a"]}, "title", "the title is not text"),
            ({"webUrl": None}, "webUrl", "the link is missing"),
            ({"webUrl": "/a"}, "webUrl", "“/a”: not an absolute http(s) URL"),
            ({"webUrl": "javascript:alert(1)"}, "webUrl", "the scheme javascript: is not http or https"),
            ({"webUrl": ["https://a.example/"]}, "webUrl", "not one URL"),
            ({"publishedDateTime": None}, "publishedDateTime", "the date is missing"),
            ({"publishedDateTime": "soon"}, "publishedDateTime", "“soon” is not a date"),
            ({"publishedDateTime": ["2021-01-01"]}, "publishedDateTime", "not a date"),
        ],
    )
    def test_without_them_there_is_no_article(self, fields: dict[str, object], field: str, what: str) -> None:
        """One error, that names the field."""
        result = reading(article(**fields))
        problem = only_problem(result)
        assert result.article is None
        assert (problem.severity, problem.field) == (Severity.ERROR, field)
        assert what in problem.what
        assert problem.fix

    def test_a_problem_names_its_place(self) -> None:
        """The link is the fifth line of the file, its value begins at column 9."""
        problem = only_problem(reading(article(webUrl="relative")))
        assert str(problem).startswith("news/a.md:5:9: error: webUrl: “relative”: not an absolute")

    def test_the_date_may_stand_in_the_files_name(self) -> None:
        """Midnight in the site's zone, which is eight hours behind UTC in January."""
        result = reading(article(publishedDateTime=None), stem="2021-01-25-title")
        assert result.article is not None
        assert result.article.published == datetime(2021, 1, 25, 8, tzinfo=UTC)

    def test_the_original_stands_in_for_the_link(self) -> None:
        """As in the corpus's films."""
        result = reading(article(webUrl=None, originalUrl="https://o.example/x"))
        assert result.article is not None
        assert (result.article.link, result.article.via) == ("https://o.example/x", None)

    def test_an_original_that_differs_is_the_origin(self) -> None:
        """The via link."""
        result = reading(article(originalUrl="https://o.example/x"))
        assert result.article is not None
        assert (result.article.link, result.article.via) == (LINK, "https://o.example/x")


class TestIdentity:
    def test_is_made_of_the_tag_and_the_path(self) -> None:
        """RFC 4151; neither title, link nor date are in it."""
        result = reading(article(), stem="2021/a title – ü")
        assert result.article is not None
        assert result.article.id == "tag:site.example,2020:2021/a%20title%20%E2%80%93%20%C3%BC"

    @pytest.mark.parametrize(
        ("written", "id"),
        [
            ("tag:other.example,2019:x", "tag:other.example,2019:x"),
            (
                "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6",
                "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6",
            ),
            ("1843", "tag:site.example,2020:1843"),
            ("a b", "tag:site.example,2020:a%20b"),
        ],
    )
    def test_an_id_of_the_article_wins(self, written: str, id: str) -> None:
        """A URI stays as it is, anything else is put behind the tag."""
        result = reading(article(id=written))
        assert result.article is not None
        assert result.article.id == id


class TestOptionalFields:
    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"excerpt": ["a", "b"]}, "excerpt"),
            ({"originalUrl": "nowhere"}, "originalUrl"),
            ({"ampWebUrl": "ftp://a.example/"}, "ampWebUrl"),
            ({"updatedDateTime": "later"}, "updatedDateTime"),
            ({"quality": "high"}, "quality"),
            ({"provider": ["a"]}, "provider"),
            ({"provider": {"name": "A", "domain": "../etc"}}, "provider.domain"),
            ({"provider": {"images": []}}, "provider"),
            ({"topics": [["a"]]}, "topics[0]"),
            ({"images": [{"url": "javascript:x"}]}, "images[0].url"),
            ({"images": [{"url": "https://a.example/b.png", "width": "wide"}]}, "images[0].width"),
            ({"related": ["https://a.example/"]}, "related[0]"),
            ({"related": [{"title": "T"}]}, "related[0]"),
            ({"related": [{"webUrl": "https://a.example/"}]}, "related[0]"),
            ({"related": [{"title": "T", "webUrl": "x"}]}, "related[0].webUrl"),
            ({"language": "English!"}, "language"),
            ({"featuredContent": ["<p>"]}, "featuredContent"),
            ({"id": ["x"]}, "id"),
        ],
    )
    def test_one_that_is_wrong_is_left_out(self, fields: dict[str, object], field: str) -> None:
        """The article is published without it, and a warning says so."""
        result = reading(article(**fields))
        problem = only_problem(result)
        assert result.article is not None
        assert (problem.severity, problem.field) == (Severity.WARNING, field)

    def test_all_problems_are_reported_at_once(self) -> None:
        """Three wrong fields, three problems, in the order of the file."""
        result = reading(article(excerpt=["x"], ampWebUrl="x", updatedDateTime="x"))
        assert [p.field for p in result.problems] == ["excerpt", "ampWebUrl", "updatedDateTime"]

    def test_also_beside_a_field_that_keeps_the_article_out(self) -> None:
        """A person mends them all before the next run."""
        result = reading(
            article(title=None, webUrl="x", publishedDateTime="x", ampWebUrl="x", images=[{"url": "x:y"}])
        )
        assert result.article is None
        assert [(p.field, p.severity.value) for p in result.problems] == [
            ("title", "error"), ("publishedDateTime", "error"), ("webUrl", "error"), ("ampWebUrl", "warning"),
            ("images[0].url", "warning"),
        ]  # fmt: skip

    def test_an_update_before_publication_is_none(self) -> None:
        """An entry cannot be older than itself."""
        result = reading(article(updatedDateTime="2020-01-01T00:00:00Z"))
        assert result.article is not None
        assert result.article.updated == result.article.published

    def test_lists_are_bounded(self) -> None:
        """A thousand related items are a mistake of somebody's script."""
        items = [{"title": f"T{n}", "webUrl": f"https://r.example/{n}"} for n in range(1_000)]
        result = reading(article(related=items))
        assert result.article is not None
        assert [item.title for item in result.article.related] == [f"T{n}" for n in range(50)]
        assert only_problem(result).what == "1,000 items; the first 50 are used"

    @pytest.mark.parametrize(
        ("written", "provider"),
        [
            ("Wired", Provider("Wired", "")),
            (1843, Provider("1843", "")),
            ({"name": "1843", "domain": "WWW.1843.example"}, Provider("1843", "1843.example")),
            ({"domain": "a.example"}, Provider("", "a.example")),
            (None, None),
        ],
    )
    def test_provider(self, written: object, provider: Provider | None) -> None:
        """A name, or a name and a domain, or none: the site's own."""
        result = reading(article(provider=written))
        assert result.article is not None
        assert result.article.provider == provider

    @pytest.mark.parametrize(
        ("written", "topics"),
        [
            ("AI", ("AI",)),
            (["NO", "yes", 1843, 3.10], ("NO", "yes", "1843", "3.1")),
            (["AI", "ai", " AI "], ("AI",)),
            ([], ()),
            (None, ()),
        ],
    )
    def test_topics(self, written: object, topics: tuple[str, ...]) -> None:
        """Names as written, once each; json.dumps itself writes 3.10 as 3.1."""
        result = reading(article(topics=written))
        assert result.article is not None
        assert result.article.topics == topics

    def test_bare_no_is_a_topic(self) -> None:
        """YAML 1.1 reads it as false."""
        result = reading(article(topics=None).replace("title:", "topics: [NO, 3.10]\ntitle:"))
        assert result.article is not None
        assert result.article.topics == ("NO", "3.10")

    @pytest.mark.parametrize(
        ("written", "image"),
        [
            ("https://a.example/b.jpeg?itok=x.png", Image("https://a.example/b.jpeg?itok=x.png", type="image/jpeg")),
            ({"url": "https://a.example/b?format=png"}, Image("https://a.example/b?format=png")),
            ({"url": "https://a.example/b", "type": "image/png"}, Image("https://a.example/b", type="image/png")),
            ("/pictures/c.webp", Image("https://site.example/pictures/c.webp", type="image/webp")),
            (
                {"url": "https://a.example/b.gif", "width": 10, "height": -1, "title": "T", "length": 7},
                Image("https://a.example/b.gif", 10, None, "image/gif", 7, "T"),
            ),
        ],
    )  # fmt: skip
    def test_image(self, written: object, image: Image) -> None:
        """The type comes from the name in the path, never from the query."""
        result = reading(article(images=[written]))
        assert result.article is not None
        assert (result.article.images, result.problems) == ((image,), ())

    def test_mended_text_is_a_notice(self) -> None:
        """The article is right; its file could be."""
        result = reading(article(excerpt="worldâ€™s"))
        assert result.article is not None
        assert result.article.excerpt == "world’s"
        assert only_problem(result).severity is Severity.NOTICE

    def test_a_zone_question_is_reported_with_its_place(self) -> None:
        """Skipped by the clocks of Los Angeles."""
        problem = only_problem(reading(article(publishedDateTime="2021-03-14 02:30")))
        assert (problem.line, problem.severity) == (4, Severity.WARNING)
        assert "skipped 02:30" in problem.what


class TestHtml:
    def html(self, body: str) -> str:
        result = reading(article() + body)
        assert result.article is not None
        return result.article.html

    def test_markdown(self) -> None:
        """CommonMark with tables."""
        assert self.html("# A *b*\n\n| x |\n|---|\n| y |\n") == (
            "<h1>A <em>b</em></h1>\n<table>\n<thead>\n<tr>\n<th>x</th>\n</tr>\n</thead>\n<tbody>\n"
            "<tr>\n<td>y</td>\n</tr>\n</tbody>\n</table>"
        )

    @pytest.mark.parametrize(
        ("body", "html"),
        [
            ("<p>a<script>alert(1)</script>b</p>", "<p>ab</p>"),
            ("<p onclick='x()'>a</p>", "<p>a</p>"),
            ("<a href='javascript:x'>a</a>", "<p><a>a</a></p>"),
            ("<a href='/b?x=1&y=2'>a</a>", '<p><a href="https://publisher.example/b?x=1&amp;y=2">a</a></p>'),
            ("<a href='mailto:x@a.example'>a</a>", '<p><a href="mailto:x@a.example">a</a></p>'),
            ("<p>a<img src='data:image/png;base64,xx'>b</p>", "<p>ab</p>"),
            ("<div>x<form><input></form><object></object>y</div>", "<div>xy</div>"),
            ("<p style='x' class='y' id='z'>a</p>", "<p>a</p>"),
            ("<p>a&#1;b&#x0;c</p>", "<p>ab\ufffdc</p>"),
            ("<p>unclosed <b>bold", "<p>unclosed <b>bold</b></p>"),
            ("a ]]> b", "<p>a ]]&gt; b</p>"),
            ("<iframe src='https://evil.example/'></iframe><p>a</p>", "<p>a</p>"),
        ],
    )
    def test_is_sanitised(self, body: str, html: str) -> None:
        """No scripts, no handlers, no frames; URLs absolute; http, https and mailto only."""
        assert self.html(body) == html

    def test_nested_deep(self) -> None:
        """It is read; how deep the result is does not matter to a feed."""
        assert "deep" in self.html("<div>" * 500 + "deep" + "</div>" * 500)

    def test_a_known_player_becomes_a_link_with_a_picture(self) -> None:
        """Where it stood in the text."""
        body = '<p>See</p>\n<iframe width="1" allow="a>b" src="//www.youtube.com/embed/abc_DEF-123?rel=0">'
        assert self.html(body + "</iframe>") == (
            '<p>See</p>\n<p><a href="https://www.youtube.com/watch?v=abc_DEF-123">'
            '<img src="https://i.ytimg.com/vi/abc_DEF-123/hqdefault.jpg" alt=""><br>▶ Watch the video</a></p>'
        )

    def test_a_featured_player_is_a_video(self) -> None:
        """It is no part of the text."""
        frame = '<iframe src="https://player.vimeo.com/video/1234"></iframe>'
        result = reading(article(featuredContent=frame))
        assert result.article is not None
        assert (result.article.videos, result.article.html) == ((Video("https://vimeo.com/1234"),), "")

    def test_the_body_gives_an_excerpt(self) -> None:
        """Its first paragraph, as plain text, where the article has none."""
        result = reading(article(excerpt=None) + "# H\n\nA **b** &amp; c.\n\nMore.\n")
        assert result.article is not None
        assert result.article.excerpt == "A b & c."


class TestOwnArticles:
    @pytest.mark.parametrize(
        ("preset", "stem", "fields", "link"),
        [
            ("jekyll", "2021-01-25-a-title", {"date": "2021-01-25 10:00"}, "/2021/01/25/a-title.html"),
            ("jekyll", "2021-01-25-x", {"categories": "Big News"}, "/big/news/2021/01/25/x.html"),
            ("jekyll", "2021-01-25-x", {"permalink": "/:year/:title/"}, "/2021/x/"),
            (
                "jekyll",
                "2021-01-05-x",
                {
                    "date": "2021-02-03 04:05:06",
                    "permalink": "/:short_year/:i_month/:i_day/:y_day/:hour:minute:second/:title",
                },
                "/21/2/3/034/040506/x",
            ),
            ("hugo", "posts/a/index", {"date": "2021-01-25"}, "/posts/a/"),
            ("hugo", "posts/My Big Post", {"date": "2021-01-25"}, "/posts/my-big-post/"),
            ("hugo", "posts/a", {"date": "2021-01-25", "slug": "b"}, "/posts/b/"),
            ("hugo", "posts/a", {"date": "2021-01-25", "url": "/x/y/"}, "/x/y/"),
            ("hugo", "posts/2021-01-25-a", {"date": "2021-01-25"}, "/posts/2021-01-25-a/"),
            ("hugo", "posts/C++ & more_x.y", {"date": "2021-01-25"}, "/posts/c++--more_x.y/"),
            ("hugo", "posts/a", {"date": "2021-01-25", "slug": "My Slug"}, "/posts/my-slug/"),
            ("hugo", "posts/Ünder/index", {"date": "2021-01-25"}, "/posts/%C3%BCnder/"),
            ("eleventy", "posts/a b", {"date": "2021-01-25"}, "/posts/a%20b/"),
            ("eleventy", "posts/2021-01-25-a", {}, "/posts/2021-01-25-a/"),
            ("eleventy", "posts/a/a", {"date": "2021-01-25"}, "/posts/a/"),
            ("eleventy", "posts/a/index", {"date": "2021-01-25"}, "/posts/a/"),
            ("eleventy", "index", {"date": "2021-01-25"}, "/"),
        ],
    )
    def test_link_to_the_site(self, preset: str, stem: str, fields: dict[str, object], link: str) -> None:
        """Where Jekyll 4.3, Hugo 0.168 and Eleventy 3.1 put them."""
        text = article(**{"publishedDateTime": None, "webUrl": None, "provider": None, **fields})
        result = reading(text, stem=stem, preset=preset)
        assert result.article is not None, result.problems
        assert result.article.link == f"https://site.example{link}"

    def test_an_absolute_permalink_cannot_leave_the_site(self) -> None:
        """A permalink is a path; this one would be another site's."""
        result = reading(
            article(webUrl=None, permalink="https://evil.example/"), preset="jekyll", stem="2021-01-25-x"
        )
        assert result.article is not None
        assert result.article.link.startswith("https://site.example/")

    def test_presets_know_their_generators_fields(self) -> None:
        """Hugo's."""
        text = (
            "+++\ntitle = 'T'\ndate = 2021-01-25T10:00:00+01:00\nlastmod = 2021-01-26\n"
            "summary = 'S'\ntags = ['a', 'b']\ncategories = ['c']\nimages = ['/x.png']\n+++\nBody\n"
        )
        result = reading(text, stem="posts/t", preset="hugo")
        assert result.article is not None, result.problems
        found = result.article
        assert (found.published, found.updated) == (
            datetime(2021, 1, 25, 9, tzinfo=UTC),
            datetime(2021, 1, 26, 8, tzinfo=UTC),
        )
        assert (found.excerpt, found.topics) == ("S", ("c", "a", "b"))
        assert found.images[0].url == "https://site.example/x.png"
        assert found.html == "<p>Body</p>"


keys = sorted({key for preset in PRESETS.values() for names in preset.fields.values() for key in names})
values = st.recursive(
    st.one_of(st.none(), st.text(max_size=20), st.sampled_from(["https://a.example/x", "2026-01-02", "/", "../..", "true"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["url", "name", "domain", "title", "webUrl", "width", "images"]), inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip


class TestAnything:
    @given(
        st.dictionaries(st.sampled_from(keys), values, max_size=12), st.sampled_from(sorted(PRESETS)),
        st.sampled_from(["a", "2026-01-02-a", "posts/index", "index", "d/ü b"]), st.text(max_size=40),
    )  # fmt: skip
    @settings(max_examples=800, deadline=None, derandomize=True)
    def test_in_any_field_is_an_article_or_a_problem(
        self, fields: dict[str, object], preset: str, stem: str, body: str
    ) -> None:
        """Never an exception; and what is published has a title, a link and a date."""
        front = "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())
        result = reading(f"---\n{front}---\n{body}", stem=stem, preset=preset)
        if result.article is not None:
            assert result.article.title
            assert result.article.link.startswith(("https://", "http://"))
            assert result.article.updated >= result.article.published

    @given(st.binary(max_size=200))
    @settings(max_examples=500, deadline=None, derandomize=True)
    def test_in_a_file_is_an_article_or_a_problem(self, data: bytes) -> None:
        """Any bytes, also behind a fence."""
        for head in (b"", b"---\n", b"+++\n", b"{", b"---\ntitle: T\n---\n"):
            assert reading(head + data).problems or reading(head + data).article is None


class TestHostileText:
    @pytest.mark.parametrize("field", ["title", "excerpt", "topics", "provider", "author", "featuredContent"])
    def test_control_characters_are_in_no_field(self, field: str) -> None:
        """Escapes in double quotes get past what is removed from the file's bytes."""
        result = reading(article(**{field: "a\x00b\x08c\x1bd\ufffee"}))
        assert result.article is not None, result.problems
        assert not set("\x00\x08\x1b\ufffe") & set(repr(result.article))
        assert "abcde" in repr(result.article)

    def test_a_long_title_is_cut(self) -> None:
        """And reported."""
        result = reading(article(title="word " * 1_000))
        assert result.article is not None
        assert len(result.article.title) <= 2_000
        assert only_problem(result).field == "title"

    def test_secured_is_read_by_nobody(self) -> None:
        """Nor is any other key that no rule names."""
        result = reading(article(secured="S3CR3T", other="S3CR3T"))
        assert "S3CR3T" not in repr(result)
