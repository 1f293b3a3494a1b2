//! Which places of a list are free. The first free one is used next, so that what is made together lies together, in
//! whatever order its places became free.

use std::collections::TryReserveError;

use crate::room::reserve;

/// A set of free places.
#[derive(Debug)]
pub(crate) struct Places {
    /// A bit for each place.
    words: Vec<u64>,
    /// A bit for each of the words that is not zero.
    filled: Vec<u64>,
    /// The first word that is not zero; none when nothing is free.
    first: usize,
    count: usize,
}

const BITS: usize = u64::BITS as usize;

impl Places {
    pub(crate) const fn new() -> Places {
        Places {
            words: Vec::new(),
            filled: Vec::new(),
            first: usize::MAX,
            count: 0,
        }
    }

    /// How many places are free.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The first free place.
    #[inline]
    pub(crate) fn first(&self) -> Option<u32> {
        let word = self.words.get(self.first)?;
        Some((self.first * BITS) as u32 + word.trailing_zeros())
    }

    /// Takes the first free place.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<u32> {
        let place = self.first()?;
        let word = &mut self.words[self.first];
        *word &= *word - 1;
        if *word == 0 {
            self.find_next();
        }
        self.count -= 1;
        Some(place)
    }

    /// Finds the first word that is not zero, after the one that was it.
    #[inline(never)]
    fn find_next(&mut self) {
        let mut place = self.first / BITS;
        self.filled[place] &= !(1 << (self.first % BITS));
        self.first = usize::MAX;
        while let Some(filled) = self.filled.get(place) {
            if *filled != 0 {
                self.first = place * BITS + filled.trailing_zeros() as usize;
                return;
            }
            place += 1;
        }
    }

    /// Frees a place, which is not free.
    #[inline]
    pub(crate) fn free(&mut self, place: u32) {
        let (number, bit) = (place as usize / BITS, 1 << (place as usize % BITS));
        self.count += 1;
        match self.words.get_mut(number) {
            Some(word) if *word != 0 => *word |= bit,
            _ => self.fill(number, bit),
        }
    }

    /// Puts the first free place into a word.
    #[inline(never)]
    fn fill(&mut self, number: usize, bit: u64) {
        if number >= self.words.len() {
            self.words.resize(number + 1, 0);
            self.filled.resize(number / BITS + 1, 0);
        }
        self.words[number] = bit;
        self.filled[number / BITS] |= 1 << (number % BITS);
        self.first = self.first.min(number);
    }

    /// Makes room for so many places in all.
    ///
    /// # Errors
    ///
    /// There is no memory for that.
    pub(crate) fn try_reserve(&mut self, places: usize) -> Result<(), TryReserveError> {
        let words = places.div_ceil(BITS);
        reserve(&mut self.words, words)?;
        reserve(&mut self.filled, words.div_ceil(BITS))
    }

    /// For how many places there is room.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        BITS * self.words.capacity().min(BITS * self.filled.capacity())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Places;

    #[test]
    fn the_first_free_place_is_taken_first() {
        let mut places = Places::new();
        let mut model = BTreeSet::new();
        let mut random = 1u32;
        let mut next = |bound: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % bound
        };
        for step in 0..200_000 {
            // Many are freed, and then more are taken.
            if next(3) > u32::from(step / 20_000 % 2 == 0) {
                let first = model.pop_first();
                assert_eq!((places.first(), places.take()), (first, first));
            } else {
                let place = next(30_000);
                if model.insert(place) {
                    places.free(place);
                }
            }
            assert_eq!(places.len(), model.len());
        }
    }
}
