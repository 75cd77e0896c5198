// Exports opened in speedscope itself: its own page in a browser, its own importers, and what it saves of them again.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import Ajv from "ajv";
import { setUp } from "./exports.js";

const release = join(dirname(createRequire(import.meta.url).resolve("speedscope/package.json")), "dist", "release");
const made = setUp({ wantsBrowser: true });

/** Opens the file in speedscope; gives what it saves again, or the message that it shows instead. */
async function open(file) {
  const context = await made.browser.newContext({ acceptDownloads: true });
  try {
    const page = await context.newPage();
    const problems = [];
    page.on("console", (message) => {
      if (/fail|error|doing nothing|automatically/i.test(message.text())) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(error.message));
    const said = new Promise((resolve) => page.on("dialog", (dialog) => dialog.dismiss().then(() => resolve(dialog.message()))));
    await page.goto(pathToFileURL(join(release, "index.html")).href);
    const input = await page.waitForSelector("input[type=file]", { state: "attached" });
    const imported = page.waitForEvent("console", (message) => /^(import:|Failed to load)/.test(message.text()));
    imported.catch(() => {});
    await input.setInputFiles(join(made.folder, file));
    const message = await Promise.race([said, imported.then(() => null)]);
    if (message) return { message, problems };
    assert.deepEqual(problems, [], file);
    // The page that shows a profile listens for keys once it is drawn.
    await page.waitForFunction(() => !document.querySelector("input[type=file]"));
    const download = page.waitForEvent("download");
    await page.keyboard.press("Control+s");
    const saved = JSON.parse(readFileSync(await (await download).path(), "utf8"));
    return { saved, problems };
  } finally {
    await context.close();
  }
}

/** Time (or samples) in each frame by name, callees included, from the events of a saved profile. */
function totals(saved) {
  const spent = new Map();
  for (const profile of saved.profiles) {
    const opened = [];
    for (const event of profile.events) {
      if (event.type === "O") {
        opened.push(event);
      } else {
        const begin = opened.pop();
        const outermost = !opened.some((other) => other.frame === begin.frame);
        const name = saved.shared.frames[event.frame].name;
        if (outermost) spent.set(name, (spent.get(name) ?? 0) + event.at - begin.at);
      }
    }
  }
  return spent;
}

/** Whole microseconds (or what else the unit is) in which each frame was the innermost, by name. */
function own(saved) {
  const spent = new Map();
  for (const profile of saved.profiles) {
    const opened = [];
    let last = 0;
    for (const event of profile.events) {
      const name = opened.length ? saved.shared.frames[opened.at(-1)].name : null;
      if (name && event.at > last) spent.set(name, (spent.get(name) ?? 0) + event.at - last);
      last = event.at;
      if (event.type === "O") opened.push(event.frame);
      else opened.pop();
    }
  }
  return new Map([...spent].map(([name, time]) => [name, Math.round(time)]).filter(([, time]) => time > 0));
}

describe("speedscope's schema", () => {
  const schema = JSON.parse(readFileSync(join(release, "file-format-schema.json"), "utf8"));
  const validate = new Ajv({ strict: false }).compile(schema);
  for (const capture of ["typical", "typical.lines", "typical.together", "strange", "recursion", "empty", "processes"]) {
    it(`allows ${capture}`, () => {
      const valid = validate(JSON.parse(readFileSync(join(made.folder, `${capture}.speedscope.json`), "utf8")));
      assert.ok(valid, JSON.stringify(validate.errors));
    });
  }
});

describe("speedscope's importers", () => {
  it("read its own format, a profile for each thread", async () => {
    const { saved } = await open("typical.speedscope.json");
    assert.deepEqual(
      saved.profiles.map((profile) => [profile.name, profile.unit, profile.endValue]),
      [["MainThread (4242)", "nanoseconds", 1e9], ["Worker-1 (4243)", "nanoseconds", 5e8]],
    );
    assert.equal(totals(saved).get("AuditLogger.redact"), 6e8);
    const frame = saved.shared.frames.find((other) => other.name === "AuditLogger.redact");
    assert.deepEqual([frame.file, frame.line], ["/srv/tickets/service.py", 30]);
  });

  it("read lines and threads added up", async () => {
    const lines = (await open("typical.lines.speedscope.json")).saved;
    const serve = lines.shared.frames.filter((frame) => frame.name === "serve").map((frame) => frame.line);
    assert.deepEqual(serve.sort(), [72, 75]);
    const together = (await open("typical.together.speedscope.json")).saved;
    assert.deepEqual(together.profiles.map((profile) => profile.endValue), [1.5e9]);
  });

  it("say that a capture without samples is empty", async () => {
    const { message } = await open("empty.speedscope.json");
    assert.match(message, /empty/);
  });

  it("read names that are hard to write", async () => {
    const { saved } = await open("strange.speedscope.json");
    const names = new Set(saved.shared.frames.map((frame) => frame.name));
    for (const name of ["<lambda>", "<script>alert('x')</script>", "a;b", "line\nbreak\r\n", "🐍🔥", "nul\0and\x1b[31mescape"]) {
      assert.ok(names.has(name), JSON.stringify(name));
    }
    assert.equal(saved.profiles[0].endValue, 1.5e8);
  });

  it("read ten thousand frames", async () => {
    const { saved } = await open("recursion.speedscope.json");
    assert.equal(totals(saved).get("math.sqrt"), 1e8);
    assert.equal(saved.profiles[0].endValue, 2e8);
  });

  it("read collapsed stacks", async () => {
    const { saved } = await open("typical.collapsed");
    assert.equal(saved.profiles[0].endValue, 1500);
    assert.equal(totals(saved).get("AuditLogger.redact (service.py:30)"), 600);
    assert.equal((await open("strange.collapsed")).saved.profiles[0].endValue, 150);
  });

  it("read pprof", async () => {
    const { saved } = await open("typical.pb.gz");
    assert.equal(saved.profiles[0].unit, "nanoseconds");
    assert.equal(totals(saved).get("AuditLogger.redact"), 6e8);
    assert.equal((await open("strange.pb.gz")).saved.profiles[0].endValue, 1.5e8);
  });

  it("read Chrome's trace events, with every end matched to its begin", async () => {
    const { saved } = await open("typical.trace.json");
    assert.equal(Math.round(totals(saved).get("AuditLogger.redact (service.py:30)")), 600_000);
    assert.equal(saved.profiles.length, 2);
    assert.equal((await open("processes.trace.json")).saved.profiles.length, 3);
    // Half of the time each of the two is the innermost frame, though each is on the stack all the time.
    const turns = own((await open("turns.trace.json")).saved);
    assert.deepEqual([...turns.entries()].sort(), [["left (turns.py:3)", 100_000], ["right (turns.py:6)", 100_000]]);
  });
});
