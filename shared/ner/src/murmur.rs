//! The two hashes of spaCy: MurmurHash64A names strings, MurmurHash3 x64-128 chooses rows of an embedding.
//!
//! Both are Austin Appleby's and in the public domain: <https://github.com/aappleby/smhasher>.

/// `MurmurHash64A`, as spaCy's `hash_string` with seed 1.
pub(crate) fn string(bytes: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let mut h = seed ^ (bytes.len() as u64).wrapping_mul(M);
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        let mut k = u64::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 47;
        h = (h ^ k.wrapping_mul(M)).wrapping_mul(M);
    }
    if !tail.is_empty() {
        let mut last = [0; 8];
        last[..tail.len()].copy_from_slice(tail);
        h = (h ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    h = (h ^ (h >> 47)).wrapping_mul(M);
    h ^ (h >> 47)
}

/// `MurmurHash3_x64_128` of the eight bytes of a number, as thinc's `hash`: four rows.
pub(crate) fn rows(id: u64, seed: u32) -> [u32; 4] {
    let seed = u64::from(seed);
    let k = id.wrapping_mul(0x87c3_7b91_1142_53d5).rotate_left(31).wrapping_mul(0x4cf5_ad43_2745_937f);
    let (mut h1, mut h2) = (seed ^ k ^ 8, seed ^ 8);
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    h1 = mix(h1);
    h2 = mix(h2);
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    [h1 as u32, (h1 >> 32) as u32, h2 as u32, (h2 >> 32) as u32]
}

fn mix(mut h: u64) -> u64 {
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASHES: [(&str, u64); 5] = [
        ("a", 11_901_859_001_352_538_922),
        ("coffee", 3_197_928_453_018_144_401),
        ("eight888", 6_103_390_885_580_893_207),
        ("Zelenskiy", 16_831_821_958_466_334_737),
        ("Málaga’s Straße", 7_145_339_273_056_908_296),
    ];
    const ROWS: [(u64, u32, [u32; 4]); 3] = [
        (1, 8, [1161550108, 2247783286, 1742325162, 1224191281]),
        (3_197_928_453_018_144_401, 9, [3581658541, 416209217, 2576290491, 1186911353]),
        (18_446_744_073_709_551_615, 11, [4189684446, 521356938, 719335244, 3372527160]),
    ];

    #[test]
    fn hashes_are_spacys() {
        // spacy.strings.hash_string
        for (text, hash) in HASHES {
            assert_eq!(string(text.as_bytes(), 1), hash, "{text}");
        }
        // thinc.api.NumpyOps().hash(numpy.array([id], dtype="uint64"), seed)
        for (id, seed, hash) in ROWS {
            assert_eq!(rows(id, seed), hash, "{id}");
        }
    }
}
