//! Captures that are cut short or damaged, sinks that fail, and files that mean harm.
#![allow(clippy::unwrap_used)]

mod pyro_programs;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use pyro_programs::{Program, Random, all_runs, assert_same, small};
use pyrometer_format::ErrorKind;
use pyrometer_format::pyro::{Capture, Limits, Writer};
use pyrometer_model::{Dictionary, SampleRun, SampleSource};

/// Reads everything that there is to read.
fn read(bytes: &[u8]) -> Result<(Dictionary, Vec<SampleRun>, bool), String> {
    // Small, so that a file that wants much is refused and does not slow the test.
    let limits = Limits { dictionary_bytes: 4 << 20 };
    let mut capture = Capture::open_with(bytes, limits).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    capture.for_each_block(&mut |runs| all.extend_from_slice(runs)).map_err(|error| error.to_string())?;
    for run in &all {
        assert!(run.count > 0 && run.thread.index() < capture.dictionary().threads().len());
        assert!(run.stack.index() < capture.dictionary().stacks.len());
    }
    let recovered = capture.recovered().is_some();
    Ok((capture.into_parts().0, all, recovered))
}

#[test]
fn cut_at_every_byte_it_opens_with_what_was_whole() {
    let (dictionary, bytes, blocks) = small(1);
    let runs = blocks.concat();
    let mut seen = Vec::new();
    for length in 0..bytes.len() {
        let cut = &bytes[..length];
        if length < 16 {
            assert_eq!(Capture::open(cut).err().unwrap().kind, ErrorKind::NotACapture);
            continue;
        }
        let mut capture = Capture::open(cut).unwrap();
        let found = all_runs(&mut capture);
        assert_eq!(found, runs[..found.len()], "cut at {length}");
        let recovery = capture.recovered().unwrap();
        assert!(!recovery.ended && recovery.damaged == 0, "cut at {length}: {recovery:?}");
        assert_eq!(capture.dictionary().audit.bytes_cut, recovery.bytes_cut);
        assert!(found.iter().all(|run| run.thread.index() < capture.dictionary().threads().len()));
        if seen.last() != Some(&found.len()) {
            seen.push(found.len());
        }
        if found.len() == runs.len() {
            assert_eq!(capture.dictionary().codes(), dictionary.codes());
        }
    }
    // As each block came whole, its runs were there.
    let ends = blocks.iter().scan(0, |sum, block| {
        *sum += block.len();
        Some(*sum)
    });
    assert_eq!(seen, [0].into_iter().chain(ends).collect::<Vec<_>>());
}

#[test]
fn a_cut_capture_has_an_audit_and_says_how_it_was_cut() {
    let (_, bytes, blocks) = small(2);
    let capture = Capture::open(&bytes[..bytes.len() - 30]).unwrap();
    assert_eq!(capture.dictionary().audit.tried, 400);
    assert_eq!(capture.samples().run_count(), blocks.concat().len() as u64);
    let said = capture.recovered().unwrap().to_string();
    assert!(said.starts_with("the recording was cut off: what is there is whole"), "{said}");
}

#[test]
fn a_flipped_bit_is_found_or_changes_nothing() {
    let (dictionary, bytes, blocks) = small(3);
    let runs = blocks.concat();
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        match read(&damaged) {
            Ok((read, found, recovered)) => {
                // Blocks of runs may be missing, each as a whole, and then it is said; nothing may be another.
                let missing =
                    blocks.iter().filter(|block| !found.windows(block.len()).any(|part| part == *block)).count();
                assert_eq!(found.len(), runs.len() - missing_runs(&blocks, &found), "byte {at}");
                assert!(missing == 0 || recovered, "byte {at}");
                if !recovered {
                    assert_same(&read, &dictionary);
                    assert_eq!(found, runs);
                }
            }
            Err(_) => refused += 1,
        }
        // Whatever it is, salvaging it gives whole blocks only, as long as the header is.
        if at >= 16 {
            let mut salvaged = Capture::salvage(&damaged, Limits::default()).unwrap();
            let found = all_runs(&mut salvaged);
            assert_eq!(found.len(), runs.len() - missing_runs(&blocks, &found), "byte {at}");
        }
    }
    assert!(refused > bytes.len() / 2, "a whole file with a damaged block is an error: {refused} of {}", bytes.len());
}

/// How many runs are in the blocks that are not in `found`; `found` must be the others in their order.
fn missing_runs(blocks: &[Vec<SampleRun>], mut found: &[SampleRun]) -> usize {
    let mut missing = 0;
    for block in blocks {
        match found.strip_prefix(block.as_slice()) {
            Some(rest) => found = rest,
            None => missing += block.len(),
        }
    }
    assert!(found.is_empty(), "runs that were never written");
    missing
}

#[test]
fn damage_to_one_block_of_runs_costs_that_block() {
    let (_, bytes, blocks) = small(4);
    let error = |bytes: &[u8]| read(bytes).map(|_| ()).unwrap_err();
    let lost_each: Vec<_> = (0..bytes.len())
        .filter_map(|at| {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            let mut capture = Capture::salvage(&damaged, Limits::default()).ok()?;
            let recovery = capture.recovered()?;
            let lost = missing_runs(&blocks, &all_runs(&mut capture));
            (recovery.ended && lost > 0).then_some((at, lost, recovery))
        })
        .collect();
    assert!(lost_each.iter().any(|&(_, lost, _)| lost == blocks[0].len()));
    for (at, lost, recovery) in lost_each {
        assert!(blocks.iter().any(|block| block.len() == lost), "byte {at}");
        assert_eq!(recovery.damaged, 1);
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(error(&damaged).starts_with("the capture is damaged: at byte "), "{}", error(&damaged));
    }
}

#[test]
fn what_follows_the_end_is_ignored_and_told() {
    let (dictionary, bytes, blocks) = small(5);
    for garbage in [vec![0; 1], vec![0; 200_000], bytes.clone(), b"\xb6blk\xb6blk and so on, for a while".to_vec()] {
        let mut longer = bytes.clone();
        longer.extend(&garbage);
        let Ok(mut capture) = Capture::open(&longer) else { panic!("{} bytes behind the end", garbage.len()) };
        assert_same(capture.dictionary(), &dictionary);
        assert_eq!(all_runs(&mut capture), blocks.concat());
        let recovery = capture.recovered().unwrap();
        assert!(recovery.ended && recovery.damaged == 0);
        assert_eq!(recovery.bytes_cut, garbage.len() as u64);
    }
}

#[test]
fn other_files_and_newer_captures_are_named() {
    let (_, mut bytes, _) = small(6);
    for other in [&b""[..], b"x", b"{\"$schema\": \"https://www.speedscope.app/file-format-schema.json\"}"] {
        let error = Capture::open(other).err().unwrap();
        assert_eq!(error.kind, ErrorKind::NotACapture);
        assert!(error.hint().is_some());
    }
    bytes[8] = 2;
    let own = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&own.to_le_bytes());
    let error = Capture::open(&bytes).err().unwrap();
    assert_eq!(error.kind, ErrorKind::NewerFormat);
    assert!(error.to_string().contains("version 2.0"), "{error}");
}

#[test]
fn twenty_thousand_mutations_never_panic() {
    let (_, bytes, _) = small(7);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut opened = 0;
    for _ in 0..20_000 {
        let mut mutated = bytes.clone();
        for _ in 0..=random.below(4) {
            mutate(&mut random, &mut mutated);
        }
        // Half of them get their checksums put right, so that what is behind the checksums is reached.
        if random.below(2) == 0 {
            fix_checksums(&mut mutated);
        }
        opened += u32::from(read(&mutated).is_ok());
        if let Ok(mut capture) = Capture::salvage(&mutated, Limits { dictionary_bytes: 4 << 20 }) {
            capture.for_each_block(&mut |_| ()).ok();
        }
    }
    assert!(opened > 100, "{opened}");
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
    match random.below(5) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][usize::try_from(random.below(5)).unwrap()],
        2 => bytes.truncate(at.max(bytes.len() / 2)),
        3 => {
            let end = (at + usize::try_from(random.below(40)).unwrap()).min(bytes.len());
            let part = bytes[at..end].to_vec();
            let to = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            bytes.splice(to..to, part);
        }
        _ => _ = bytes.drain(at..(at + 3).min(bytes.len())),
    }
}

/// Gives every block that has a header a right checksum, as a hostile file would have.
fn fix_checksums(bytes: &mut [u8]) {
    let mut at = 16;
    while at + 20 <= bytes.len() {
        if bytes[at..at + 4] != *b"\xb6blk" {
            at += 1;
            continue;
        }
        let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        let Some(payload) = bytes.get(at + 20..(at + 20).saturating_add(length)) else { return };
        let checksum = crc32fast::hash(payload);
        bytes[at + 12..at + 16].copy_from_slice(&checksum.to_le_bytes());
        let own = crc32fast::hash(&bytes[at..at + 16]);
        bytes[at + 16..at + 20].copy_from_slice(&own.to_le_bytes());
        at += 20 + length;
    }
}

/// A disk of limited size.
#[derive(Clone)]
struct Disk(Rc<RefCell<(Vec<u8>, usize)>>);

impl io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (written, size) = &mut *self.0.borrow_mut();
        let count = bytes.len().min(*size - written.len());
        written.extend_from_slice(&bytes[..count]);
        if count == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn on_a_full_disk_nothing_is_lost_and_writing_goes_on_when_there_is_room() {
    let mut program = Program::new(9, 2, 2.0, 1);
    let disk = Disk(Rc::new(RefCell::new((Vec::new(), 9000))));
    let mut writer = Writer::new(disk.clone(), &program.dictionary).unwrap();
    let mut given = Vec::new();
    let mut refused = false;
    for _ in 0..20 {
        let runs = program.runs(500);
        let result = writer.write_block(&program.dictionary, &runs);
        given.extend(runs);
        if let Err(error) = result {
            assert_eq!(error.kind, ErrorKind::DiskFull);
            assert!(error.hint().is_some());
            refused = true;
        }
    }
    assert!(refused && writer.held() > 0);
    let on_disk = disk.0.borrow().0.clone();
    let found = all_runs(&mut Capture::open(&on_disk).unwrap());
    assert!(!found.is_empty() && found.len() < given.len());
    assert_eq!(found, given[..found.len()]);
    assert_eq!(writer.finish(&program.dictionary).unwrap_err().kind, ErrorKind::DiskFull);
    disk.0.borrow_mut().1 = usize::MAX;
    writer.finish(&program.dictionary).unwrap();
    assert_eq!(writer.held(), 0);
    let whole = disk.0.borrow().0.clone();
    let mut capture = Capture::open(&whole).unwrap();
    assert!(capture.recovered().is_none());
    assert_eq!(all_runs(&mut capture), given);
}

#[test]
fn what_a_full_disk_makes_the_writer_hold_is_bounded() {
    let mut program = Program::new(10, 1, 1.0, 1);
    let disk = Disk(Rc::new(RefCell::new((Vec::new(), 20_000))));
    let mut writer = Writer::new(disk, &program.dictionary).unwrap();
    let runs = program.runs(8000);
    for _ in 0..300 {
        writer.write_block(&program.dictionary, &runs).ok();
    }
    assert!(writer.held() < 5 << 20, "{}", writer.held());
}

#[test]
fn a_dictionary_beyond_the_limit_is_refused() {
    let (_, bytes, _) = small(8);
    let limits = Limits { dictionary_bytes: 5000 };
    assert_eq!(Capture::open_with(&bytes, limits).err().unwrap().kind, ErrorKind::TooLarge);
    assert_eq!(Capture::salvage(&bytes, limits).err().unwrap().kind, ErrorKind::TooLarge);
}
