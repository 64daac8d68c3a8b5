"""The page of the contact sheet: its style, its search, and what stands around the photos."""

HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }}
body {{ max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }}
nav {{ position: sticky; top: 0; z-index: 1; background: Canvas; padding: .5rem 0;
  border-bottom: 1px solid #8884; }}
nav ul {{ display: inline; margin: 0; padding: 0; }}
nav li {{ display: inline-block; margin-right: 1rem; list-style: none; }}
nav input {{ font: inherit; width: 16rem; max-width: 100%; margin-right: 1rem; }}
section {{ scroll-margin-top: 4rem; }}
td {{ padding: .2rem .8rem .2rem 0; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.bar {{ background: #3b7dd8; height: .8rem; }}
.photos {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: 1.2rem 1rem; }}
figure {{ margin: 0; min-width: 0; content-visibility: auto; contain-intrinsic-size: auto 14rem; }}
figure a {{ display: flex; align-items: center; justify-content: center; height: 10rem; overflow: hidden;
  background: #8882; border-radius: .3rem; }}
figure img {{ width: 100%; height: 100%; object-fit: contain; }}
figcaption {{ overflow-wrap: anywhere; padding-top: .3rem; }}
figcaption b {{ display: block; }}
small, .count {{ opacity: .75; font-weight: normal; }}
[hidden] {{ display: none !important; }}
</style></head><body>
<h1>{title}</h1>
<p>{summary}</p>
<nav><input type="search" placeholder="Search names and categories"
  aria-label="Search names and categories"><ul>
{sections}
</ul></nav>
<details><summary>How sure the model is</summary><table>
{histogram}
</table></details>
"""

SECTION = """<section id="{id}-{name}"><h2>{name} <span class="count">{count}</span></h2><div class="photos">
"""

SECTION_END = "</div></section>\n"

END = """<script>
const box = document.querySelector("nav input");
const sections = [...document.querySelectorAll("section")].map((section) => ({
  section, count: section.querySelector(".count"), all: section.querySelector(".count").textContent,
  photos: [...section.querySelectorAll("figure")].map((figure) => [figure, figure.textContent.toLowerCase()]),
}));
let waiting;
function search() {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const { section, count, all, photos } of sections) {
    let found = 0;
    for (const [figure, text] of photos) {
      figure.hidden = !words.every((word) => text.includes(word));
      found += !figure.hidden;
    }
    section.hidden = found === 0;
    count.textContent = words.length ? `${found.toLocaleString("en")} of ${all}` : all;
  }
}
box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 150); });
for (const image of document.querySelectorAll("img[loading]"))
  image.addEventListener("error", () => {
    const note = document.createElement("small");
    note.textContent = "no longer there, or not supported by this browser";
    image.replaceWith(note);
  });
</script></body></html>
"""
