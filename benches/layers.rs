//! Writes the layers of the image that unpacking is measured with: plain tars of a given number of files and bytes, the
//! same ones every time. Needs no crate.
//!
//! usage: layers DIRECTORY LAYERS FILES MEGABYTES
//!
//! Sizes are spread as in a distribution's image (most files small, a few large), the content is half text-like and
//! half hard to compress, names nest three deep.

use std::fs::File;
use std::io::{BufWriter, Write};

/// A generator of numbers, good enough to shape data and the same everywhere (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let [_, directory, layers, files, megabytes] = words.as_slice() else {
        panic!("usage: layers DIRECTORY LAYERS FILES MEGABYTES");
    };
    let number = |text: &String| text.parse::<u64>().expect("a number");
    let (layers, files, bytes) = (number(layers), number(files), number(megabytes) << 20);
    for layer in 0..layers {
        let path = format!("{directory}/{layer}.tar");
        let mut out = BufWriter::new(File::create(path).expect("create the layer"));
        write_layer(&mut out, layer, files / layers, bytes / layers);
    }
}

fn write_layer(out: &mut impl Write, layer: u64, files: u64, bytes: u64) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ (layer + 1));
    let sizes = sizes(&mut numbers, files, bytes);
    let mut content = Vec::new();
    for (index, size) in sizes.into_iter().enumerate() {
        let (top, middle) = (index / 400, index / 20 % 20);
        if index % 400 == 0 {
            header(out, &format!("usr/share/l{layer}-{top}/"), b'5', 0o755, 0);
        }
        if index % 20 == 0 {
            header(
                out,
                &format!("usr/share/l{layer}-{top}/d{middle}/"),
                b'5',
                0o755,
                0,
            );
        }
        let name = format!("usr/share/l{layer}-{top}/d{middle}/file-{index}");
        header(
            out,
            &name,
            b'0',
            if index % 10 == 0 { 0o755 } else { 0o644 },
            size,
        );
        fill(&mut numbers, &mut content, size as usize);
        out.write_all(&content).expect("write the layer");
        out.write_all(&vec![0; (512 - content.len() % 512) % 512])
            .expect("write the layer");
    }
    out.write_all(&[0; 1024]).expect("write the layer");
}

/// Sizes that sum up to about `bytes`: a few files hold half of it.
fn sizes(numbers: &mut Numbers, files: u64, bytes: u64) -> Vec<u64> {
    let mean = bytes / files;
    (0..files)
        .map(|_| match numbers.below(100) {
            0..70 => numbers.below(mean / 2),
            70..95 => numbers.below(2 * mean),
            95..99 => numbers.below(10 * mean),
            _ => numbers.below(74 * mean),
        })
        .collect()
}

/// Half words of a small vocabulary, half random bytes, in runs.
fn fill(numbers: &mut Numbers, content: &mut Vec<u8>, size: usize) {
    content.clear();
    while content.len() < size {
        if numbers.below(2) == 0 {
            for _ in 0..64 {
                write!(content, "line{} value{} ", numbers.below(50), numbers.below(500)).expect("memory");
            }
        } else {
            for _ in 0..48 {
                content.extend_from_slice(&numbers.next().to_le_bytes());
            }
        }
    }
    content.truncate(size);
}

fn header(out: &mut impl Write, name: &str, kind: u8, mode: u32, size: u64) {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(format!("{mode:07o}\0").as_bytes());
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"14500000000\0");
    block[148..156].fill(b' ');
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.write_all(&block).expect("write the layer");
}
