//! A Perfetto trace: packets of one sequence with a track for each thread and slices on it, names interned.
//!
//! The field numbers are those of Perfetto's `trace_packet.proto`, `track_event.proto`, `track_descriptor.proto` and
//! `interned_data.proto`. Times are nanoseconds since the capture's start.

use pyrometer_model::{Dictionary, ProcessId, SampleSource, ThreadId};

use super::Options;
use super::chrome::{category, ids, named};
use super::frames::{Frame, FrameId, Frames, Origin, origin, process_label, thread_label};
use super::protobuf::Message;
use super::sink::Sink;
use super::timeline::{Edge, for_each_edge};
use super::tree::Tree;
use crate::Result;

/// Field numbers, by message.
mod field {
    pub(super) const TRACE_PACKET: u32 = 1;
    pub(super) mod packet {
        pub(in super::super) const TIMESTAMP: u32 = 8;
        pub(in super::super) const SEQUENCE_ID: u32 = 10;
        pub(in super::super) const TRACK_EVENT: u32 = 11;
        pub(in super::super) const INTERNED_DATA: u32 = 12;
        pub(in super::super) const SEQUENCE_FLAGS: u32 = 13;
        pub(in super::super) const TRACK_DESCRIPTOR: u32 = 60;
    }
    pub(super) mod descriptor {
        pub(in super::super) const UUID: u32 = 1;
        pub(in super::super) const PROCESS: u32 = 3;
        pub(in super::super) const THREAD: u32 = 4;
        pub(in super::super) const PARENT: u32 = 5;
    }
    pub(super) mod process {
        pub(in super::super) const PID: u32 = 1;
        pub(in super::super) const NAME: u32 = 6;
    }
    pub(super) mod thread {
        pub(in super::super) const PID: u32 = 1;
        pub(in super::super) const TID: u32 = 2;
        pub(in super::super) const NAME: u32 = 5;
    }
    pub(super) mod event {
        pub(in super::super) const CATEGORIES: u32 = 3;
        pub(in super::super) const TYPE: u32 = 9;
        pub(in super::super) const NAME: u32 = 10;
        pub(in super::super) const TRACK: u32 = 11;
        pub(in super::super) const SOURCE_LOCATION: u32 = 34;
    }
    pub(super) mod interned {
        pub(in super::super) const CATEGORIES: u32 = 1;
        pub(in super::super) const NAMES: u32 = 2;
        pub(in super::super) const SOURCE_LOCATIONS: u32 = 4;
    }
}

const SLICE_BEGIN: u64 = 1;
const SLICE_END: u64 = 2;
/// The first packet says that nothing was interned before it; all others need what was.
const STATE_CLEARED: u64 = 1;
const NEEDS_STATE: u64 = 2;
/// The one sequence that all packets are of.
const SEQUENCE: u64 = 1;

/// The categories, in the order of their interned numbers, which start at 1.
const CATEGORIES: [Origin; 5] = [Origin::Own, Origin::Library, Origin::Standard, Origin::Native, Origin::Marker];

pub(super) fn write(
    dictionary: &Dictionary,
    source: &mut dyn SampleSource,
    options: &Options,
    sink: &mut Sink<'_>,
) -> Result<()> {
    write_start(sink)?;
    write_tracks(dictionary, options, sink)?;
    let mut tree = Tree::new(dictionary, options.granularity());
    let mut interned: FrameId = 0;
    let (mut packet, mut event) = (Message::new(), Message::new());
    for_each_edge(&mut tree, source, &options.selection, |tree, thread, at, edge| {
        packet.clear();
        event.clear();
        packet.integer_even_zero(field::packet::TIMESTAMP, at.0);
        packet.integer(field::packet::SEQUENCE_ID, SEQUENCE);
        packet.integer(field::packet::SEQUENCE_FLAGS, NEEDS_STATE);
        event.integer(field::event::TRACK, thread_track(thread));
        match edge {
            Edge::Close => event.integer(field::event::TYPE, SLICE_END),
            Edge::Open(frame) => {
                if frame >= interned {
                    // Frames are numbered as they are met, but several may be met before the first of them is opened.
                    packet.message(field::packet::INTERNED_DATA, &intern(&tree.frames, interned..=frame));
                    interned = frame + 1;
                }
                event.integer(field::event::TYPE, SLICE_BEGIN);
                event.integer(field::event::NAME, u64::from(frame) + 1);
                event.integer(field::event::CATEGORIES, category_number(&tree.frames, frame));
                event.integer(field::event::SOURCE_LOCATION, u64::from(frame) + 1);
            }
        }
        packet.message(field::packet::TRACK_EVENT, &event);
        write_packet(&packet, sink)
    })
}

fn write_packet(packet: &Message, sink: &mut Sink<'_>) -> Result<()> {
    let mut trace = Message::new();
    trace.message(field::TRACE_PACKET, packet);
    sink.bytes(trace.as_bytes())
}

fn write_start(sink: &mut Sink<'_>) -> Result<()> {
    let mut data = Message::new();
    for (number, origin) in (1..).zip(CATEGORIES) {
        data.message(field::interned::CATEGORIES, &name(number, category(origin)));
    }
    let mut packet = Message::new();
    packet.integer_even_zero(field::packet::TIMESTAMP, 0);
    packet.integer(field::packet::SEQUENCE_ID, SEQUENCE);
    packet.integer(field::packet::SEQUENCE_FLAGS, STATE_CLEARED);
    packet.message(field::packet::INTERNED_DATA, &data);
    write_packet(&packet, sink)
}

/// `EventCategory` and `EventName` have the same shape.
fn name(number: u64, name: &str) -> Message {
    let mut message = Message::new();
    message.integer(1, number);
    message.text(2, name);
    message
}

fn intern(frames: &Frames<'_>, new: std::ops::RangeInclusive<FrameId>) -> Message {
    let mut data = Message::new();
    for frame in new {
        let number = u64::from(frame) + 1;
        data.message(field::interned::NAMES, &name(number, &frames.name(frame)));
        let mut location = Message::new();
        location.integer(1, number);
        if let Frame::Code(code, line) = frames.get(frame) {
            let code = frames.dictionary.code(code);
            location.text(2, frames.dictionary.string(code.file));
            location.text(3, frames.dictionary.string(code.qualified_name));
            location.integer(4, line.into());
        }
        data.message(field::interned::SOURCE_LOCATIONS, &location);
    }
    data
}

fn category_number(frames: &Frames<'_>, frame: FrameId) -> u64 {
    let origin = frames.code(frame).map_or(Origin::Marker, |code| origin(frames.dictionary, code));
    let at = CATEGORIES.iter().position(|&known| known == origin).unwrap_or(0);
    at as u64 + 1
}

/// Tracks are named by numbers that must differ: processes from 1, threads from 2³².
fn process_track(process: ProcessId) -> u64 {
    u64::from(process.0) + 1
}

fn thread_track(thread: ThreadId) -> u64 {
    (1 << 32) + u64::from(thread.0)
}

fn write_tracks(dictionary: &Dictionary, options: &Options, sink: &mut Sink<'_>) -> Result<()> {
    let (processes, threads) = named(dictionary, options);
    for id in processes {
        let mut process = Message::new();
        process.integer(field::process::PID, dictionary.process(id).map_or(0, |process| process.pid).into());
        process.text(field::process::NAME, &process_label(dictionary, id));
        let mut descriptor = Message::new();
        descriptor.integer(field::descriptor::UUID, process_track(id));
        descriptor.message(field::descriptor::PROCESS, &process);
        write_descriptor(&descriptor, sink)?;
    }
    for id in threads {
        let (pid, tid) = ids(dictionary, id);
        let mut thread = Message::new();
        thread.integer(field::thread::PID, pid.into());
        thread.integer(field::thread::TID, tid);
        thread.text(field::thread::NAME, &thread_label(dictionary, id));
        let mut descriptor = Message::new();
        descriptor.integer(field::descriptor::UUID, thread_track(id));
        if let Some(thread) = dictionary.thread(id) {
            descriptor.integer(field::descriptor::PARENT, process_track(thread.process));
        }
        descriptor.message(field::descriptor::THREAD, &thread);
        write_descriptor(&descriptor, sink)?;
    }
    Ok(())
}

fn write_descriptor(descriptor: &Message, sink: &mut Sink<'_>) -> Result<()> {
    let mut packet = Message::new();
    packet.integer(field::packet::SEQUENCE_ID, SEQUENCE);
    packet.message(field::packet::TRACK_DESCRIPTOR, descriptor);
    write_packet(&packet, sink)
}
