// Flame graphs in a browser: zoom, search, details, and names that try to be more than names.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { setUp } from "./exports.js";

const made = setUp({ wantsBrowser: true });

/** Opens the picture in a window of its own and calls `use`; fails on any error, dialog or request that it causes. */
async function show(capture, use) {
  const context = await made.browser.newContext({ viewport: { width: 1000, height: 600 } });
  try {
    const page = await context.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => problems.push(message.text()));
    page.on("dialog", (dialog) => dialog.dismiss().then(() => problems.push(`dialog: ${dialog.message()}`)));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) problems.push(`request: ${request.url()}`);
    });
    await page.goto(pathToFileURL(join(made.folder, `${capture}.svg`)).href);
    await use(page);
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

/** Label, and left edge and width in pixels, of every box that is shown. */
function shown(page) {
  return page.$$eval("#frames > g:not(.hidden)", (groups) =>
    groups.map((group) => {
      const { left, width } = group.querySelector("rect").getBoundingClientRect();
      const label = group.querySelector("title").textContent.split("\n")[0];
      return { label, left, width, written: group.querySelector("text")?.textContent ?? "", caller: group.classList.contains("caller") };
    }),
  );
}

const box = (label) => `#frames > g:has(> title:text-matches("^${label}")) > rect`;

describe("a flame graph", () => {
  it("fills the window and follows its size", async () => {
    await show("typical", async (page) => {
      const all = async () => (await shown(page)).find(({ label }) => label === "all").width;
      assert.ok(Math.abs((await all()) - 980) < 1);
      await page.setViewportSize({ width: 1600, height: 600 });
      await page.waitForFunction(() => document.documentElement.clientWidth === 1600);
      assert.ok(Math.abs((await all()) - 1568) < 1);
    });
  });

  it("cuts labels to the boxes, and writes more where there is more room", async () => {
    await show("typical", async (page) => {
      const written = async () => (await shown(page)).find(({ label }) => label.startsWith("Tokenizer")).written;
      const narrow = await written();
      assert.match(narrow, /^Tokenizer.*…$/);
      await page.setViewportSize({ width: 2600, height: 600 });
      // The window tells the page of its size some time later.
      const all = "Tokenizer.tokenize (service.py:10)";
      await page.waitForFunction((all) => [...document.querySelectorAll("#frames text")].some((text) => text.textContent === all), all);
      assert.equal(await written(), all);
      const inside = await page.$$eval("#frames > g:not(.hidden) > text", (texts) =>
        texts.every((text) => !text.textContent || text.getBBox().width <= text.parentNode.querySelector("rect").getBBox().width),
      );
      assert.ok(inside, "a label is wider than its box");
    });
  });

  it("zooms in on a click and out again", async () => {
    await show("typical", async (page) => {
      const before = await shown(page);
      assert.ok(await page.locator("#reset").evaluate((element) => element.classList.contains("hidden")));
      await page.locator(box("format_reply")).click();
      const zoomed = await shown(page);
      const labels = zoomed.map(({ label }) => label.split(" ")[0]).sort();
      assert.deepEqual(labels, ["<module>", "all", "format_reply", "json.dumps", "requests.api.get", "serve"]);
      for (const { label, width, caller } of zoomed) {
        if (caller || label.startsWith("format_reply")) assert.ok(Math.abs(width - 980) < 1, label);
      }
      const dumps = zoomed.find(({ label }) => label === "json.dumps");
      assert.ok(Math.abs(dumps.width - 0.7 * 980) < 2);
      assert.equal(dumps.written, "json.dumps");
      await page.locator("#reset").click();
      assert.deepEqual(await shown(page), before);
      await page.locator(box("serve")).click();
      await page.keyboard.press("Escape");
      assert.deepEqual(await shown(page), before);
    });
  });

  it("finds by name and regex, and says how much of the time that is", async () => {
    await show("typical", async (page) => {
      const found = async (text) => {
        await page.locator("#search").fill(text);
        return page.locator("#matched").textContent();
      };
      assert.equal(await found("redact"), "1 match, 40.0 %");
      // One lies within the other: its time counts once.
      assert.equal(await found("^re\\."), "2 matches, 40.0 %");
      assert.equal(await found("TOKENIZE|lock"), "2 matches, 46.7 %");
      assert.equal(await found("nothing of that name"), "0 matches, 0.0 %");
      assert.equal(await found("("), "");
      assert.ok(await page.locator("#search").evaluate((element) => element.classList.contains("wrong")));
      await page.keyboard.press("Escape");
      assert.equal(await page.locator("#search").evaluate((element) => element.value), "");
      assert.equal(await page.locator("#frames .match").count(), 0);
      await page.keyboard.press("Control+f");
      await page.keyboard.type("serve");
      assert.equal(await page.locator("#matched").textContent(), "1 match, 66.7 %");
    });
  });

  it("tells what a box is when pointed at", async () => {
    await show("typical", async (page) => {
      await page.locator(box("AuditLogger")).hover();
      const details = await page.locator("#details").textContent();
      assert.equal(details, "AuditLogger.redact (service.py:30) — 40.0 %, 600 ms, 600 samples (own: none)");
    });
  });

  it("shows strange names as they are and runs none of them", async () => {
    await show("strange", async (page) => {
      const labels = (await shown(page)).map(({ label }) => label);
      assert.ok(labels.some((label) => label.startsWith("<script>alert('x')</script> (")));
      await page.locator("#search").fill("<script>");
      assert.equal(await page.locator("#matched").textContent(), "1 match, 6.7 %");
      assert.equal(await page.locator("script").count(), 1);
    });
  });

  it("opens deep and empty captures", async () => {
    await show("recursion", async (page) => assert.equal((await shown(page)).length, 4));
    await show("empty", async (page) => {
      assert.equal(await page.locator("#nothing").textContent(), "No samples: there is nothing to show.");
    });
  });
});
