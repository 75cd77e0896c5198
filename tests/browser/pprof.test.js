// pprof profiles, decoded by a package that profilers of JavaScript programs use.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import { setUp } from "./exports.js";

const made = setUp({ wantsBrowser: false });

function read(capture) {
  const profile = Profile.decode(gunzipSync(readFileSync(join(made.folder, `${capture}.pb.gz`))));
  const text = (id) => profile.stringTable.strings[Number(id)];
  const functions = new Map(profile.function.map((entry) => [Number(entry.id), entry]));
  const locations = new Map(profile.location.map((entry) => [Number(entry.id), entry]));
  const samples = profile.sample.map((sample) => ({
    stack: sample.locationId.map((id) => {
      const { functionId, line } = locations.get(Number(id)).line[0];
      const entry = functions.get(Number(functionId));
      return { name: text(entry.name), file: text(entry.filename), line: Number(line), start: Number(entry.startLine) };
    }),
    values: sample.value.map(Number),
    labels: Object.fromEntries(sample.label.map((label) => [text(label.key), Number(label.str) ? text(label.str) : Number(label.num)])),
  }));
  return { profile, text, samples };
}

function sums(samples) {
  return samples.reduce((sum, sample) => sum.map((value, at) => value + sample.values[at]), [0, 0, 0, 0]);
}

describe("pprof", () => {
  it("has counts, wall, CPU and GIL time, and opens with the view's", () => {
    const { profile, text, samples } = read("typical");
    const types = profile.sampleType.map((type) => [text(type.type), text(type.unit)]);
    assert.deepEqual(types, [["samples", "count"], ["wall", "nanoseconds"], ["cpu", "nanoseconds"], ["gil", "nanoseconds"]]);
    assert.equal(text(profile.defaultSampleType), "wall");
    assert.deepEqual(sums(samples), [1500, 1.5e9, 9e8, 9e8]);
    assert.equal(BigInt(profile.timeNanos), 1_700_000_000_123_456_789n);
  });

  it("has stacks with the leaf first, files, and both lines", () => {
    const { samples } = read("typical");
    const { stack, values } = samples.find((sample) => sample.stack[0].name === "re._compile");
    assert.equal(values[0], 600);
    assert.deepEqual(stack.map((frame) => frame.name), ["re._compile", "re.compile", "AuditLogger.redact", "serve", "<module>"]);
    assert.deepEqual(stack[2], { name: "AuditLogger.redact", file: "/srv/tickets/service.py", line: 33, start: 30 });
  });

  it("labels threads and processes", () => {
    const owners = new Set(read("processes").samples.map(({ labels }) => `${labels.pid} ${labels.thread_id} ${labels.thread}`));
    assert.deepEqual([...owners], ["100 100 thread-100 (100)", "100 102 thread-102 (102)", "101 101 thread-101 (101)"]);
  });

  it("holds deep, strange and empty captures", () => {
    const depths = read("recursion").samples.map((sample) => sample.stack.length);
    assert.deepEqual(depths, [2501, 5001, 7501, 10001, 10002]);
    const names = new Set(read("strange").samples.map((sample) => sample.stack[0].name));
    for (const name of ["<lambda>", "line\nbreak\r\n", "🐍🔥", "<unnamed>", "<no Python frames>", "<unknown>"]) {
      assert.ok(names.has(name), JSON.stringify(name));
    }
    assert.deepEqual(read("empty").samples, []);
  });
});
