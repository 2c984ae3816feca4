pub(super) const LISTINGS: &[Piece] = &[];
