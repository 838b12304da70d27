import fc from "fast-check";
import { expect, test } from "vitest";
import { readPage } from "./read-page.ts";

const read = (body: string, head = ""): string =>
  readPage({ html: `<!doctype html><head>${head}</head><body>${body}`, url: "https://site.test/a/b", as: "markdown" })
    .text;

test.each([
  '<p style="display:none">SECRET</p>',
  '<p style="display : NONE !important; display:block">SECRET</p>',
  '<p style="dis\\70lay:none">SECRET</p>',
  '<p style="display/**/:none">SECRET</p>',
  '<p style="visibility:hidden"><b>SECRET</b></p>',
  '<p style="content-visibility:hidden">SECRET</p>',
  '<div style="opacity:0"><p style="opacity:1">SECRET</p></div>',
  '<p style="filter:opacity(0)">SECRET</p>',
  '<p style="font-size:0">SECRET</p>',
  '<p style="font:1px/1 serif">SECRET</p>',
  '<p style="font-size:.05em">SECRET</p>',
  '<p style="color:#fff">SECRET</p>',
  '<p style="color:rgb(250 250 250)">SECRET</p>',
  '<p style="color:hsl(0, 0%, 100%)">SECRET</p>',
  '<p style="color:transparent">SECRET</p>',
  '<div style="background:#123456"><p style="color:#133557">SECRET</p></div>',
  '<font color="white">SECRET</font>',
  '<table bgcolor="black"><tr><td>SECRET</table>',
  '<p style="position:absolute;left:-9999px">SECRET</p>',
  '<p style="position:fixed;top:-100vh;top:-200%">SECRET</p>',
  '<p style="position:absolute;inset:-5000px auto auto 0">SECRET</p>',
  '<p style="margin-left:-9999px">SECRET</p>',
  '<p style="text-indent:-9999px">SECRET</p>',
  '<p style="transform:translateX(-9999px)">SECRET</p>',
  '<p style="transform:scale(0)">SECRET</p>',
  '<p style="scale:0">SECRET</p>',
  '<div style="height:0;overflow:hidden"><p>SECRET</p></div>',
  '<div style="width:1px;height:1px;overflow:hidden"><p>SECRET</p></div>',
  '<div style="max-height:0px;overflow-y:hidden"><p>SECRET</p></div>',
  '<p style="position:absolute;clip:rect(0 0 0 0)">SECRET</p>',
  '<p style="clip-path:inset(50%)">SECRET</p>',
  "<p hidden>SECRET</p>",
  '<p hidden="until-found">SECRET</p>',
  '<p aria-hidden="TRUE">SECRET</p>',
  "<div popover>SECRET</div>",
  "<dialog>SECRET</dialog>",
  "<template><p>SECRET</p></template>",
  "<noscript>SECRET</noscript>",
  "<script>SECRET</script>",
  "<!-- SECRET -->",
  "<textarea>SECRET</textarea>",
  '<input value="SECRET"><p title="SECRET" data-x="SECRET"></p>',
  '<a href="/" title="SECRET"></a><img alt="SECRET" src="x.png" hidden>',
  // Where the standard keeps the hidden element open and a lenient parser would close it.
  '<div style="display:none"><table><tr><td></div>SECRET</table></div>',
  "<style>.x{display:none}</style><p class='a x'>SECRET</p>",
  "<style>.x{display:none}</style><style>@layer l{p{display:block}}</style><p class=x>SECRET</p>",
  "<style>@media screen and (min-width:1px){.x{display:none}}</style><p class=x>SECRET</p>",
  "<style>@media (pointer:fine){.x{visibility:hidden}}</style><p class=x>SECRET</p>",
  "<style>@supports (display:grid){.x{display:none}}</style><p class=x>SECRET</p>",
  "<style>.y{&.x{display:none} .x &{color:red}}</style><p class='x y'>SECRET</p>",
  "<style>:root{--d:none}.x{display:var(--d)}</style><p class=x>SECRET</p>",
  "<style>.x:not(:hover){opacity:0}</style><p class=x>SECRET</p>",
  "<style>p:is(.x,#y){display:none}</style><p class=x>SECRET</p>",
  "<style>a{b:'}'} /*}*/ .x{display:none}</style><p class=x>SECRET</p>",
  "<style>#i{display:none} p.x{display:block}</style><p id=i class=x>SECRET</p>",
  "<style>.x{display:none!important}</style><p class=x style='display:block'>SECRET</p>",
  "<p class=x>SECRET</p><style>.x{display:none}</style>",
])("what a reader cannot see does not come out: %s", (body) => {
  expect(read(`<p>SEEN</p>${body}`)).toBe("SEEN");
});

test.each([
  '<div style="visibility:hidden"><p style="visibility:visible">SEEN</p></div>',
  '<div style="font-size:0"><p style="font-size:16px">SEEN</p></div>',
  '<div style="background:#000"><p style="color:white">SEEN</p></div>',
  '<div style="background:url(x.png)"><p style="color:white">SEEN</p></div>',
  "<style>.x{display:none}#i{display:block}</style><p id=i class=x>SEEN</p>",
  "<style>@media print{.x{display:none}}</style><p class=x>SEEN</p>",
  "<style>@media (max-width:600px){.x{display:none}}</style><p class=x>SEEN</p>",
  "<style>.x:hover{display:none} .x::before{display:none}</style><p class=x>SEEN</p>",
  '<div style="position:absolute;left:50%;margin-left:-50%;transform:translate(-50%,-50%)">SEEN</div>',
  '<div style="margin-top:-20px;overflow:hidden">SEEN</div>',
  "<dialog open>SEEN</dialog>",
  "<details><summary>SEEN</summary></details>",
])("what a reader can see comes out: %s", (body) => {
  expect(read(body)).toBe("SEEN");
});

test("a page's main part comes as Markdown, its links absolute, without what stands around it", () => {
  const markdown = read(
    `<nav><a href="/">Home</a></nav><main><h2>A <em>title</em></h2><p>Text with <a href="../c?d=(e)" title="t">a <b>link</b></a>, <code>a\`b</code>,
     <a href="javascript:x">no link</a> and 2*3.<br># no heading</p><ul><li>one<ol start=3><li>inner</li></ol></li><li><p>two</p></li></ul>
     <pre><code>a\n  b</code></pre><blockquote><p>said</p></blockquote><table><tr><th>K<th>V<tr><td>a|b<td>2</table>
     <img src="/i.png" alt="A picture"><img src="data:x" alt="no"></main><footer>Imprint</footer>`,
    '<base href="/docs/x/">',
  );
  expect(markdown).toBe(
    [
      "## A _title_",
      "Text with [a **link**](https://site.test/docs/c?d=%28e%29), `` a`b ``, no link and 2\\*3.\n\\# no heading",
      "- one\n  3. inner\n- two",
      "```\na\n  b\n```",
      "> said",
      "| K | V |\n| --- | --- |\n| a\\|b | 2 |",
      "![A picture](https://site.test/i.png)",
    ].join("\n\n"),
  );
});

test("as text, all that can be seen comes, without marks", () => {
  const { text, title, hidden } = readPage({
    html: "<title> A  page </title><nav>Home</nav><main><h1>Hi</h1><p>a <b>b</b>\u200b\u{e0041}c</p></main><p hidden>12345</p>",
    url: "https://site.test/",
    as: "text",
  });
  expect({ text, title, hidden }).toEqual({ text: "Home\n\nHi\n\na bc", title: "A page", hidden: 5 });
});

test("a page that is too deep or has too many elements is refused, not followed", () => {
  expect(() => read("<div>".repeat(2_000))).toThrow("nests");
  expect(() => read("<i></i>".repeat(200_001))).toThrow("elements");
});

test("no text under a hidden ancestor comes out, whatever stands around and inside it", () => {
  const hiders = fc.constantFrom(
    "hidden",
    'style="display:none"',
    'class="x"',
    'aria-hidden="true"',
    'style="opacity:0"',
  );
  const names = fc.constantFrom(
    "div",
    "p",
    "span",
    "a",
    "li",
    "td",
    "table",
    "b",
    "section",
    "h2",
    "ul",
    "button",
    "article",
    "main",
  );
  const tags = ["<p>", "</p>", "<b>", "</b>", "<td>", "</td>", "</table>", "<a href=x>", "</a>", "<ul>", "<li>", "w "];
  const before = fc.array(fc.constantFrom(...tags), { maxLength: 8 });
  // A table inside may not end before the text: an end tag of the hidden element counts for nothing there.
  const inside = fc.array(fc.constantFrom("<table>", "<table><tr><td></section>", ...tags), { maxLength: 8 });
  fc.assert(
    fc.property(hiders, names, before, inside, (hider, name, around, within) => {
      const start = `<style>.x{display:none}</style>${around.join("")}<section ${hider}>`;
      expect(read(`${start}${within.join("")}<${name}>SECRET`)).not.toContain("SECRET");
    }),
    { numRuns: 500 },
  );
});
