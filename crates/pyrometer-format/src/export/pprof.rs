//! The profile of `pprof`: gzipped protocol buffers.
//!
//! The field numbers are those of `proto/profile.proto` in google/pprof. A sample has four values whatever the view asked
//! for: how many, wall time, CPU time and time holding the GIL; the view only says which one a viewer shows first.

use std::collections::HashMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use pyrometer_model::{
    CodeId, Dictionary, Flags, Nanoseconds, ProcessId, SampleRun, SampleSource, Selection, ThreadId, View,
};
use rustc_hash::FxBuildHasher;

use super::frames::{Frame, FrameId, Granularity, code_name, thread_label};
use super::protobuf::Message;
use super::sink::Sink;
use super::tree::{NodeId, ROOT, Tree, stream};
use super::{Format, Options};
use crate::{Error, Result};

/// Field numbers of `Profile`.
mod profile {
    pub(super) const SAMPLE_TYPE: u32 = 1;
    pub(super) const SAMPLE: u32 = 2;
    pub(super) const MAPPING: u32 = 3;
    pub(super) const LOCATION: u32 = 4;
    pub(super) const FUNCTION: u32 = 5;
    pub(super) const STRING: u32 = 6;
    pub(super) const TIME: u32 = 9;
    pub(super) const DURATION: u32 = 10;
    pub(super) const PERIOD_TYPE: u32 = 11;
    pub(super) const PERIOD: u32 = 12;
    pub(super) const COMMENT: u32 = 13;
    pub(super) const DEFAULT_SAMPLE_TYPE: u32 = 14;
}

const TYPES: [(&str, &str); 4] =
    [("samples", "count"), ("wall", "nanoseconds"), ("cpu", "nanoseconds"), ("gil", "nanoseconds")];

/// Whose a sample is, as its labels say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Thread(ThreadId),
    Process(Option<ProcessId>),
}

pub(super) fn write(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    out: &mut dyn Write,
) -> Result<()> {
    // Speed over size: the default level takes several times as long for a tenth less.
    let mut gzip = GzEncoder::new(out, Compression::fast());
    let mut sink = Sink::new(&mut gzip, Format::Pprof.action());
    let mut profile = Profile { strings: Strings::default(), tree: Tree::new(dictionary, Granularity::Line) };
    profile.write(source, options, &mut sink)?;
    sink.finish()?;
    gzip.finish().map_err(|error| Error::io(Format::Pprof.action(), &error))?;
    Ok(())
}

struct Profile<'d> {
    strings: Strings,
    tree: Tree<'d>,
}

impl Profile<'_> {
    fn write(&mut self, source: &mut dyn SampleSource, options: &Options, sink: &mut Sink<'_>) -> Result<()> {
        let dictionary = self.tree.frames.dictionary;
        self.write_header(options, sink)?;
        let mut keys: Vec<(Owner, NodeId)> = Vec::new();
        let mut sums: Vec<[u64; 4]> = Vec::new();
        let mut index: HashMap<(Owner, NodeId), usize, FxBuildHasher> = HashMap::default();
        let selection = Selection { view: View::Wall, ..options.selection.clone() };
        let apart = options.apart(true);
        stream(dictionary, source, &selection, |run, _| {
            let owner = if apart { Owner::Thread(run.thread) } else { Owner::Process(process(dictionary, run.thread)) };
            let key = (owner, self.tree.of_stack(ROOT, run.stack));
            let at = *index.entry(key).or_insert(keys.len());
            if at == keys.len() {
                keys.push(key);
                sums.push([0; 4]);
            }
            for (sum, value) in sums[at].iter_mut().zip(values(run)) {
                *sum = sum.saturating_add(value);
            }
            Ok(())
        })?;
        let mut labels: HashMap<Owner, Vec<Message>, FxBuildHasher> = HashMap::default();
        for ((owner, node), sums) in keys.into_iter().zip(sums) {
            let labels = labels.entry(owner).or_insert_with(|| self.labels(owner));
            let mut sample = Message::new();
            // Locations are numbered from 1, and the first stands for a stack without frames.
            let mut stack: Vec<u64> = self.tree.leaf_first(node).map(|frame| u64::from(frame) + 2).collect();
            if stack.is_empty() {
                stack.push(1);
            }
            sample.packed(1, stack);
            sample.packed(2, sums);
            for label in labels {
                sample.message(3, label);
            }
            write_field(profile::SAMPLE, &sample, sink)?;
        }
        self.write_locations(sink)?;
        self.strings.write(sink)
    }

    fn write_header(&mut self, options: &Options, sink: &mut Sink<'_>) -> Result<()> {
        let dictionary = self.tree.frames.dictionary;
        let mut header = Message::new();
        for (kind, unit) in TYPES {
            let value = self.value_type(kind, unit);
            header.message(profile::SAMPLE_TYPE, &value);
        }
        let mut mapping = Message::new();
        mapping.integer(1, 1);
        mapping.integer(
            5,
            self.strings.id(dictionary.processes().first().map_or("python", |process| {
                dictionary.string(process.command).split(' ').next().filter(|name| !name.is_empty()).unwrap_or("python")
            })),
        );
        // Functions, files and lines are known, so that viewers do not look for symbols.
        for known in 7..=9 {
            mapping.integer(known, 1);
        }
        header.message(profile::MAPPING, &mapping);
        header.integer(profile::TIME, dictionary.info.started);
        header.integer(profile::DURATION, dictionary.audit.duration.0);
        let period = self.value_type("wall", "nanoseconds");
        header.message(profile::PERIOD_TYPE, &period);
        header.integer(profile::PERIOD, dictionary.audit.interval_mean.0);
        header.packed(profile::COMMENT, [self.strings.id(&options.title(dictionary))]);
        header.integer(profile::DEFAULT_SAMPLE_TYPE, self.strings.id(options.selection.view.name()));
        sink.bytes(header.as_bytes())
    }

    fn value_type(&mut self, kind: &str, unit: &str) -> Message {
        let mut message = Message::new();
        message.integer(1, self.strings.id(kind));
        message.integer(2, self.strings.id(unit));
        message
    }

    fn labels(&mut self, owner: Owner) -> Vec<Message> {
        let dictionary = self.tree.frames.dictionary;
        let mut labels = Vec::new();
        let process = match owner {
            Owner::Thread(thread) => process(dictionary, thread),
            Owner::Process(process) => process,
        };
        if let Owner::Thread(id) = owner {
            let mut label = Message::new();
            label.integer(1, self.strings.id("thread"));
            label.integer(2, self.strings.id(&thread_label(dictionary, id)));
            labels.push(label);
            if let Some(thread) = dictionary.thread(id).filter(|thread| thread.native_id > 0) {
                labels.push(self.number("thread_id", thread.native_id));
            }
        }
        if let Some(process) = process.and_then(|process| dictionary.process(process)) {
            labels.push(self.number("pid", process.pid.into()));
        }
        labels
    }

    fn number(&mut self, key: &str, value: u64) -> Message {
        let mut label = Message::new();
        label.integer(1, self.strings.id(key));
        label.integer(3, value);
        label
    }

    /// Locations are frames, one further; functions are code objects, one further. The first of each is the one of
    /// stacks without frames.
    fn write_locations(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        write_field(profile::LOCATION, &location(1, 1, 0), sink)?;
        self.write_function(1, "<no Python frames>", "", Message::new(), sink)?;
        let mut written: HashMap<CodeId, (), FxBuildHasher> = HashMap::default();
        for frame in 0..FrameId::try_from(self.tree.frames.list().len()).unwrap_or(FrameId::MAX) {
            let Frame::Code(code, line) = self.tree.frames.get(frame) else { continue };
            let function = u64::from(code.0) + 2;
            write_field(profile::LOCATION, &location(u64::from(frame) + 2, function, line), sink)?;
            if written.insert(code, ()).is_none() {
                self.write_code(function, code, sink)?;
            }
        }
        Ok(())
    }

    fn write_code(&mut self, id: u64, code: CodeId, sink: &mut Sink<'_>) -> Result<()> {
        let dictionary = self.tree.frames.dictionary;
        let code = dictionary.code(code);
        let mut rest = Message::new();
        rest.integer(4, self.strings.id(dictionary.string(code.file)));
        rest.integer(5, code.first_line.into());
        self.write_function(id, &code_name(dictionary, code), dictionary.string(code.qualified_name), rest, sink)
    }

    fn write_function(
        &mut self,
        id: u64,
        name: &str,
        system_name: &str,
        rest: Message,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let mut function = rest;
        function.integer(1, id);
        function.integer(2, self.strings.id(name));
        // pprof takes a name that equals its system name for a mangled one of C++ and drops what stands in `<…>`, which
        // would leave nothing of `<module>`.
        if system_name != name {
            function.integer(3, self.strings.id(system_name));
        }
        write_field(profile::FUNCTION, &function, sink)
    }
}

fn process(dictionary: &Dictionary, thread: ThreadId) -> Option<ProcessId> {
    dictionary.thread(thread).map(|thread| thread.process)
}

fn values(run: &SampleRun) -> [u64; 4] {
    let gil = if run.flags.contains(Flags::GIL_HELD) { run.wall } else { Nanoseconds::ZERO };
    [run.count.into(), run.wall.0, run.cpu.0, gil.0]
}

fn location(id: u64, function: u64, line: u32) -> Message {
    let mut place = Message::new();
    place.integer(1, function);
    place.integer(2, line.into());
    let mut location = Message::new();
    location.integer(1, id);
    location.integer(2, 1);
    location.message(4, &place);
    location
}

fn write_field(field: u32, message: &Message, sink: &mut Sink<'_>) -> Result<()> {
    let mut outer = Message::new();
    outer.message(field, message);
    sink.bytes(outer.as_bytes())
}

/// The string table: number 0 is the empty string.
#[derive(Default)]
struct Strings {
    list: Vec<String>,
    index: HashMap<String, u64, FxBuildHasher>,
}

impl Strings {
    fn id(&mut self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        if let Some(&id) = self.index.get(text) {
            return id;
        }
        self.list.push(text.to_owned());
        let id = self.list.len() as u64;
        self.index.insert(text.to_owned(), id);
        id
    }

    fn write(&self, sink: &mut Sink<'_>) -> Result<()> {
        for text in std::iter::once("").chain(self.list.iter().map(String::as_str)) {
            let mut message = Message::new();
            message.bytes_even_empty(profile::STRING, text.as_bytes());
            sink.bytes(message.as_bytes())?;
        }
        Ok(())
    }
}
