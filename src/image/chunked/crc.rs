//! CRC-64 as tar splits have it: the polynomial of ISO 3309, reflected.

const POLYNOMIAL: u64 = 0xd800_0000_0000_0000;

/// What each byte does to the sum, `TABLES[n]` with n bytes after it.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let (mut sum, mut bit) = (byte as u64, 0);
        while bit < 8 {
            sum = (sum >> 1) ^ (POLYNOMIAL * (sum & 1));
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = tables[0][(before & 0xff) as usize] ^ (before >> 8);
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// The sum of what was added.
#[derive(Clone, Copy)]
pub struct Crc(u64);

impl Crc {
    pub fn new() -> Self {
        Self(!0)
    }

    pub fn add(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            let mixed = self.0 ^ u64::from_le_bytes(*word);
            self.0 = (0..8).fold(0, |sum, place| {
                sum ^ TABLES[7 - place][(mixed >> (8 * place)) as u8 as usize]
            });
        }
        for byte in rest {
            self.0 = TABLES[0][(self.0 as u8 ^ byte) as usize] ^ (self.0 >> 8);
        }
    }

    pub fn sum(self) -> u64 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> u64 {
        let mut crc = Crc::new();
        crc.add(bytes);
        crc.sum()
    }

    #[test]
    fn known_sums() {
        assert_eq!(of(b""), 0);
        // The check value of CRC-64/GO-ISO.
        assert_eq!(of(b"123456789"), 0xb909_56c7_75a4_1001);
    }

    #[test]
    fn pieces_give_the_same_sum() {
        let bytes: Vec<u8> = (0..1000u32).map(|number| ((number * 7) >> 2) as u8).collect();
        let whole = of(&bytes);
        for split in [1, 7, 8, 9, 500, 999] {
            let mut crc = Crc::new();
            crc.add(&bytes[..split]);
            crc.add(&bytes[split..]);
            assert_eq!(crc.sum(), whole, "{split}");
        }
    }
}
