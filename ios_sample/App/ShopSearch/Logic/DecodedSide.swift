import Foundation

/// At which size to decode a picture of `width` x `height` pixels for an encoder that takes squares of `size`: the longer
/// side's pixels, the shorter one still at least twice `size`; never more than the picture has.
func decodedSide(width: Int, height: Int, size: Int) -> Int {
    let (short, long) = (min(width, height), max(width, height))
    return short <= 2 * size ? long : (2 * size * long + short - 1) / short
}
