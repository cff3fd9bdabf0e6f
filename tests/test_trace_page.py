"""The page of a trace: what it says, that a browser reads it, that it loads nothing, its size."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from browser import needs_chromium, open_page

from scratchnn import Input, Sequential
from scratchnn.inspection import trace
from scratchnn.inspection.pictures import heat_map, histogram
from scratchnn.layers import Dense, Flatten

X = np.random.default_rng(0).normal(size=(6, 4, 1)).astype("float32")
Y = np.array([0, 2, 1, 2, 0, 1])


def traced():
    model = Sequential(
        [
            Input((4, 1)),
            Flatten(),
            Dense(5, "relu", name="hidden"),
            Dense(3, "softmax", name="a<b"),
        ],
        name="small & good",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.layers[1].bias.assign([-100, 0, 0, 0, 100])
    return trace(model, X, Y)


class Text(HTMLParser):
    """The text of a page by element, its tags, links and ids."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.links, self.ids, self.outside = [], [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.links += [given["href"]] if "href" in given else []
        self.ids += [given["id"]] if "id" in given else []
        self.outside += [given[k] for k in ("src", "href", "srcset", "action") if k in given]
        if tag not in ("meta", "img", "col", "path", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("path",):
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style" and data.strip():
            self.texts.append((self.open[-1], data.strip()))

    def of(self, tag):
        return [text for found, text in self.texts if found == tag]


def check_text(text):
    assert text.of("title") == ["Trace of small & good"]
    assert text.of("h1") == ["Trace of small & good"]
    assert text.of("h2") == ["input", "flatten", "hidden", "a<b"]
    for word in ("Flatten", "Dense", "kernel", "d kernel", "update", "d logits", "(6, 5)", "1/5"):
        assert any(word in found for _, found in text.texts), word
    assert "hidden: 1 of 5 units are 0 for the whole batch." in text.of("li")
    links = [link for link in text.links if link.startswith("#")]
    assert len(links) == 5
    assert all(link.removeprefix("#") in text.ids for link in links)


def test_it_is_well_formed_and_says_what_the_trace_says():
    page = traced().to_html()
    text = Text(page)
    assert text.open == [], "every element is closed"
    check_text(text)
    assert page.count("<img ") == page.count("data:image/png;base64,") > 10
    assert page.count("<svg ") > 10
    assert all(i.startswith(("#", "data:image/png;base64,")) for i in text.outside)
    assert "<script" not in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_it_is_saved(tmp_path):
    t = traced()
    t.save_html(tmp_path / "trace.html")
    assert (tmp_path / "trace.html").read_text(encoding="utf-8") == t.to_html()
    assert t._repr_html_().startswith("<iframe")


@needs_chromium
def test_a_browser_shows_it_and_asks_for_nothing(tmp_path):
    traced().save_html(tmp_path / "trace.html")
    dom, asked = open_page(tmp_path / "trace.html", tmp_path)
    check_text(Text(dom))
    assert asked == []


MEASURE = """<script>
const seen = [...document.querySelectorAll("svg, img, td, th")].filter(e => e.offsetParent !== null
  || e.tagName === "svg").map(e => e.getBoundingClientRect()).filter(r => r.width > 0);
document.title = Math.max(...seen.map(r => r.right)) + " " + innerWidth + " " + seen.length;
</script>"""


@needs_chromium
@pytest.mark.parametrize("width", [600, 1000, 1400])
def test_everything_is_in_sight(width, tmp_path):
    page = re.sub(r"<meta http-equiv=[^>]*>", "", traced().to_html())  # it forbids the script
    (tmp_path / "trace.html").write_text(page.replace("</body>", MEASURE + "</body>"))
    dom, _ = open_page(tmp_path / "trace.html", tmp_path, width)
    (title,) = Text(dom).of("title")
    right, window, pictures = map(float, title.split())
    assert window == width
    assert right <= width, "nobody has to scroll sideways"
    assert pictures > 100


@needs_chromium
@pytest.mark.parametrize(
    ("element", "address"),
    [
        ('<img src="{}">', "http://example.com/x.png"),
        ('<link rel="stylesheet" href="{}">', "https://example.com/x.css"),
        ('<iframe src="{}"></iframe>', "http://example.com/x.html"),
    ],
    ids=["picture", "style", "frame"],
)
def test_a_request_would_be_seen(element, address, tmp_path):
    page = f"<!DOCTYPE html><title>t</title><body>{element.format(address)}</body>"
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    _, asked = open_page(tmp_path / "page.html", tmp_path)
    assert asked == [address]


@needs_chromium
def test_the_page_itself_forbids_requests(tmp_path):
    # Were a name on the page to hold an element after all, it would load nothing.
    page = traced().to_html().replace("</h1>", '<img src="http://example.com/x.png"></h1>')
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert open_page(tmp_path / "page.html", tmp_path)[1] == []


# --- the size


def test_a_large_array_is_a_small_page():
    model = Sequential([Input((2000,)), Dense(1000, "relu"), Dense(10)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(64, 2000))
    page = trace(model, x, np.ones((64, 10))).to_html()
    assert len(page) < 150_000


def test_a_deep_model_is_a_page_of_limited_size():
    model = Sequential([Input((16,)), *(Dense(16, "relu") for _ in range(400))])
    model.compile("sgd", "mse")
    t = trace(model, np.random.default_rng(0).normal(size=(32, 16)), np.ones((32, 16)))
    page = t.to_html()
    assert len(page) < 2_500_000
    assert "arrays more than the page shows" in page
    assert Text(page).of("h2")[-1] == t.layers[-1].name


# --- the pictures


def pixels(image):
    Image = pytest.importorskip("PIL.Image")
    data = re.search(r"base64,([^\"]+)", image)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))


def test_a_heat_map_is_a_pixel_per_element():
    colors = pixels(heat_map(np.array([[1.0, -1.0, 0.0], [0.25, -0.25, np.nan]]), True, 100))
    assert colors.shape == (2, 3, 4)
    orange, blue = (226, 103, 17), (38, 128, 240)
    assert [tuple(c[:3]) for c in colors[:, :2].reshape(4, 4)] == [orange, blue] * 2
    np.testing.assert_array_equal(colors[..., 3], [[255, 255, 0], [128, 128, 255]])
    assert tuple(colors[1, 2, :3]) not in (orange, blue)


def test_a_large_heat_map_shows_means_of_blocks():
    array = np.zeros((300, 70))
    array[:100, :35] = 3
    array[100:200, :35] = -3
    colors = pixels(heat_map(array, True, 6))
    rows, columns, _ = colors.shape
    assert rows * columns <= 6
    assert colors[0, 0, 0] == 226
    assert colors[rows // 2, 0, 2] == 240
    assert colors[-1, -1, 3] == 0


def test_a_kernel_has_its_units_across():
    assert pixels(heat_map(np.ones((3, 3, 2, 5)), False, 1000)).shape == (18, 5, 4)
    assert pixels(heat_map(np.ones((4, 3, 3, 2)), True, 1000)).shape == (4, 18, 4)
    assert pixels(heat_map(np.ones(7), False, 1000)).shape == (1, 7, 4)
    assert pixels(heat_map(np.array(2.0), False, 1000)).shape == (1, 1, 4)


def test_a_histogram_has_the_heights_of_its_counts():
    svg = histogram(np.array([-1.0] * 9 + [3.0]), bins=4)
    assert 'd="M0 40V2H4V40H8V40H12V27H16V40Z"' in svg
    assert 'class="zero" d="M4.0 0V40"' in svg
    assert histogram(np.full(5, 2.5)) == '<span class="same">all 2.5</span>'
    assert histogram(np.array([np.nan])) == ""


def test_a_histogram_of_numbers_too_close_for_bins():
    values = np.array([1.0, np.nextafter(1, 2)])
    assert histogram(values) == '<span class="same">all 1</span>'


def test_a_long_list_of_notes_is_cut():
    t = traced()
    few = len(t.notes)
    t.wrong = [f"layer_{i}/kernel" for i in range(40)]
    notes = [text for text in Text(t.to_html()).of("li") if "its gradient is wrong" in text]
    assert len(notes) == 30
    assert f"and {10 + few} more." in Text(t.to_html()).of("li")


def test_the_contents_show_the_sizes_of_the_gradients():
    t = traced()
    norms = [float(np.linalg.norm(layer.grad)) for layer in t.layers]
    widths = [float(w) for w in re.findall(r'class="bar" style="width:([\d.]+)%"', t.to_html())]
    np.testing.assert_allclose(widths, [100 * n / max(norms) for n in norms], atol=0.06)
    assert min(widths) < 90
