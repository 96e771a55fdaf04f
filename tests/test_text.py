"""Text, URLs and dates: from what people write to what documents may hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import pytz

from syndicate.articles.dates import DateError, date_in_name, parse_date, rfc822, rfc3339
from syndicate.articles.text import clean, name_key, one_line, paragraphs, shortened
from syndicate.articles.urls import UrlError, clean_domain, clean_url, joined

LOS_ANGELES = pytz.timezone("America/Los_Angeles")


class TestClean:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("We&#8217;re", "We’re"),
            ("A &amp; B", "A & B"),
            ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),  # once, not twice
            ("worldâ€™s", "world’s"),
            ("CafÃ©", "Café"),
            ("a\x00b\x0bc\x1fd\ufffee", "abcde"),
            ("e\u0301", "é"),
            ("Straße – “quoted” … ½ €", "Straße – “quoted” … ½ €"),
            ("Україна, 日本語, العربية, हिन्दी", "Україна, 日本語, العربية, हिन्दी"),
            ("]]>", "]]>"),
        ],
    )
    def test_is_what_a_person_would_read(self, written: str, read: str) -> None:
        """Entities decoded once, mojibake mended, XML's characters only, NFC."""
        assert clean(written) == read

    def test_mending_can_be_turned_off(self) -> None:
        """Some sites write about mojibake."""
        assert clean("worldâ€™s", fix_encoding=False) == "worldâ€™s"

    def test_one_line_folds_white_space(self) -> None:
        """Titles have no line ends."""
        assert one_line(" a\n b\t\u00a0c ") == "a b c"

    def test_paragraphs_stay_apart(self) -> None:
        """Excerpts may have several."""
        assert paragraphs("a  b\r\n\r\n\r\n c\n d") == "a b\n\nc\nd"

    def test_shortened_cuts_between_words(self) -> None:
        """And says that it did."""
        assert shortened("one two three four", 14) == "one two three…"


class TestNameKey:
    @pytest.mark.parametrize("name", ["ai ethics", "AI  Ethics", "ＡＩ Ｅthics", " Ai\tethics "])
    def test_case_width_and_white_space_are_folded(self, name: str) -> None:
        """These are one topic."""
        assert name_key(name) == "ai ethics"

    @pytest.mark.parametrize(("one", "other"), [("x²", "x2"), ("C", "C++"), ("é", "e")])
    def test_other_differences_stay(self, one: str, other: str) -> None:
        """These are two."""
        assert name_key(one) != name_key(other)


class TestCleanUrl:
    @pytest.mark.parametrize(
        ("written", "url"),
        [
            ("https://a.example/b?w=1200&#038;strip=all", "https://a.example/b?w=1200&strip=all"),
            ("https://a.example/a b", "https://a.example/a%20b"),
            ("https://a.example/“quoted”—x", "https://a.example/%E2%80%9Cquoted%E2%80%9D%E2%80%94x"),
            ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
            ("https://straße.example/", "https://xn--strae-oqa.example/"),  # IDNA 2008
            ("HTTP://A.Example/B", "http://a.example/B"),
            ("https://a.example/%zz%41", "https://a.example/%25zz%41"),
            ("https://a.example/a\nb", "https://a.example/ab"),
            ('https://a.example/"<x>', "https://a.example/%22%3Cx%3E"),
            ("https://a.example/?q=ä#ö", "https://a.example/?q=%C3%A4#%C3%B6"),
            ("https://a.example:8080/", "https://a.example:8080/"),
            ("https://[::1]/x", "https://[::1]/x"),
            (" https://a.example ", "https://a.example"),
            ("https://a.example/[x]|y", "https://a.example/%5Bx%5D%7Cy"),
            ("https://a.example/p#a#b", "https://a.example/p#a%23b"),
        ],
    )
    def test_becomes_a_valid_uri(self, written: str, url: str) -> None:
        """Percent-encoded and punycoded (RFC 3986, RFC 5891); what was valid stays as it was."""
        assert clean_url(written) == url
        assert clean_url(url) == url

    @pytest.mark.parametrize(
        "written",
        ["/relative", "page.html", "javascript:alert(1)", "java\nscript:alert(1)", "data:text/html,x",
         "mailto:a@b.example", "https:", "https://", "https:///path", "http:a.example", "ftp://a.example/",
         "https://user:secret@a.example/", "https://a b.example/", "https://a.example:99999/",
         "https://-a.example/", "https://a..example/", "https://[::1/", "//a.example/",
         "https://a.example/" + "x" * 5_000, ""],
    )  # fmt: skip
    def test_anything_else_is_refused(self, written: str) -> None:
        """Relative, another scheme, no host, a password, or too long."""
        with pytest.raises(UrlError):
            clean_url(written)

    def test_a_refusal_names_no_password(self) -> None:
        """Problems are printed and mailed by cron."""
        with pytest.raises(UrlError) as caught:
            clean_url("https://user:hunter2@a.example/")
        assert "hunter2" not in str(caught.value)

    def test_joined_resolves_relative_references(self) -> None:
        """RFC 3986, section 5."""
        assert joined("https://a.example/b/c", "../d e") == "https://a.example/d%20e"

    @pytest.mark.parametrize(
        ("written", "domain"),
        [("WWW.Scmp.com.", "scmp.com"), ("https://a.example/x", "a.example"),
         ("bücher.example", "xn--bcher-kva.example")],
    )  # fmt: skip
    def test_domains_are_normal(self, written: str, domain: str) -> None:
        """One provider, however its domain is written."""
        assert clean_domain(written) == domain

    @pytest.mark.parametrize("written", ["..", "a/../b", "localhost", "a b.example", "-x.example", "a..b"])
    def test_other_domains_are_refused(self, written: str) -> None:
        """A domain becomes a folder's name."""
        with pytest.raises(UrlError):
            clean_domain(written)


class TestDates:
    @pytest.mark.parametrize(
        ("written", "utc"),
        [
            ("2021-01-25T07:02:00Z", datetime(2021, 1, 25, 7, 2, tzinfo=UTC)),
            ("2021-01-25T07:02:00.123456Z", datetime(2021, 1, 25, 7, 2, tzinfo=UTC)),
            ("2021-01-25 07:02:00 -0800", datetime(2021, 1, 25, 15, 2, tzinfo=UTC)),
            ("2021-01-25 07:02 +05:30", datetime(2021, 1, 25, 1, 32, tzinfo=UTC)),
            ("2021-01-25 07:02:00 UTC", datetime(2021, 1, 25, 7, 2, tzinfo=UTC)),
            ("2021-01-25", datetime(2021, 1, 25, 8, 0, tzinfo=UTC)),  # midnight in Los Angeles
            ("2021-07-25 12:00", datetime(2021, 7, 25, 19, 0, tzinfo=UTC)),  # summer time
            ("2021-1-5", datetime(2021, 1, 5, 8, 0, tzinfo=UTC)),
            ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_become_utc(self, written: str, utc: datetime) -> None:
        """With the zone that is written, else the site's."""
        time, warning = parse_date(written, LOS_ANGELES)
        assert (time, warning) == (utc, "")
        assert time.utcoffset() == timedelta(0)

    @pytest.mark.parametrize(
        "written",
        ["", "yesterday", "25/01/2021", "2021-13-01", "2021-02-30", "2021-01-25T25:00:00Z", "20210125",
         "0000-01-01", "9999-12-31 20:00", "2021-01-25T07:02:00+99:00", "2021-01-25x"],
    )  # fmt: skip
    def test_others_are_refused(self, written: str) -> None:
        """Nothing is guessed; 9999-12-31 20:00 in Los Angeles is past the end of time."""
        with pytest.raises(DateError):
            parse_date(written, LOS_ANGELES)

    def test_a_skipped_time_is_reported(self) -> None:
        """2021-03-14 had no 02:30 in Los Angeles: read with the offset from before, -08:00."""
        time, warning = parse_date("2021-03-14 02:30", LOS_ANGELES)
        assert time == datetime(2021, 3, 14, 10, 30, tzinfo=UTC)
        assert "skipped 02:30" in warning

    def test_a_repeated_time_is_reported(self) -> None:
        """2021-11-07 had two 01:30 in Los Angeles: the first, -07:00, is meant."""
        time, warning = parse_date("2021-11-07 01:30", LOS_ANGELES)
        assert time == datetime(2021, 11, 7, 8, 30, tzinfo=UTC)
        assert "showed 01:30 twice" in warning

    def test_a_files_name_may_begin_with_one(self) -> None:
        """As Jekyll's do."""
        assert date_in_name("2021-01-25-a-title") == "2021-01-25"
        assert date_in_name("title-2021-01-25-") is None

    def test_formats_do_not_follow_the_locale(self) -> None:
        """2021-01-25 was a Monday."""
        time = datetime(2021, 1, 25, 7, 2, tzinfo=UTC)
        assert rfc822(time) == "Mon, 25 Jan 2021 07:02:00 +0000"
        assert rfc3339(time) == "2021-01-25T07:02:00Z"
