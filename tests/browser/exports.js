// Every export format of fixed captures, and the browser that opens them.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const project = fileURLToPath(new URL("../..", import.meta.url));

/** The folder with what `crates/pyrometer-format/examples/export_fixture.rs` writes, until the tests of the file end. */
export function makeExports() {
  const folder = mkdtempSync(join(tmpdir(), "pyrometer-exports-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const command = ["run", "--quiet", "-p", "pyrometer-format", "--example", "export_fixture", folder];
  execFileSync("cargo", command, { cwd: project, stdio: ["ignore", "inherit", "inherit"] });
  return folder;
}

/** The system's Chromium. The sandbox needs rights that root in a container does not have. */
export async function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  after(() => browser.close());
  return browser;
}
