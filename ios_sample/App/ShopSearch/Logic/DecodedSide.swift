import Foundation

/// At twice the encoder's side, fine patterns change the embedding much more: benchmarks/subsampled.md.
private let margin = 4

/// At which size to decode a picture of `width` x `height` pixels for an encoder that takes squares of `size`: the longer
/// side's pixels, the shorter one still at least four times `size`; never more than the picture has.
func decodedSide(width: Int, height: Int, size: Int) -> Int {
    let (short, long) = (min(width, height), max(width, height))
    let least = margin * size
    return short <= least ? long : (least * long + short - 1) / short
}
