// Every export format of fixed captures, and the browser that opens them.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const project = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Makes the exports before the tests of the calling file and removes them after, with a browser where one is wanted.
 * Gives an object that has `folder` and `browser` once the tests run.
 */
export function setUp({ wantsBrowser }) {
  const made = { folder: null, browser: null };
  before(async () => {
    made.folder = mkdtempSync(join(tmpdir(), "pyrometer-exports-"));
    const command = ["run", "--quiet", "-p", "pyrometer-format", "--example", "export_fixture", made.folder];
    execFileSync("cargo", command, { cwd: project, stdio: ["ignore", "inherit", "inherit"] });
    if (wantsBrowser) {
      // The system's Chromium. Its sandbox needs rights that root in a container does not have.
      const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
      // Speedscope recurses into stacks: 10 000 frames are at the very edge of V8's usual stack of 984 KiB.
      const args = ["--no-sandbox", "--js-flags=--stack-size=4000"];
      made.browser = await chromium.launch({ executablePath, args });
    }
  });
  after(async () => {
    await made.browser?.close();
    rmSync(made.folder, { recursive: true, force: true });
  });
  return made;
}
