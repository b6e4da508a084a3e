/// Rows with their scores enter, by rising row; those of the largest scores leave, of equal scores the first rows.
///
/// Takes twice as many rows as are to be kept, then cuts them down: cheaper a row than a heap.
struct Largest {
    private let most: Int
    private var scores: [Double] = []
    private var rows: [Int] = []
    /// What a score must reach to be among the largest.
    private(set) var bound: Double

    /// `bound`: below which no score is offered.
    init(most: Int, bound: Double) {
        self.most = most
        self.bound = bound
        scores.reserveCapacity(2 * most)
        rows.reserveCapacity(2 * most)
    }

    /// `row`: higher than any before.
    mutating func offer(_ score: Double, row: Int) {
        scores.append(score)
        rows.append(row)
        if rows.count == 2 * most { cut(to: most) }
    }

    /// The rows of the `wanted` largest scores, rising; nil where fewer were offered. `wanted`: at most as many as are kept.
    mutating func rows(_ wanted: Int) -> [Int]? {
        if rows.count < wanted { return nil }
        cut(to: wanted)
        return rows
    }

    private mutating func cut(to wanted: Int) {
        bound = nthLargest(scores, wanted)
        var equal = wanted - scores.reduce(0) { $1 > bound ? $0 + 1 : $0 }  // there is room for so many of the bound's
        var kept = 0
        for place in scores.indices {
            let score = scores[place]
            if score < bound || score == bound && equal == 0 { continue }
            if score == bound { equal -= 1 }
            (scores[kept], rows[kept]) = (score, rows[place])
            kept += 1
        }
        scores.removeLast(scores.count - kept)
        rows.removeLast(rows.count - kept)
    }
}

/// The number of that rank, from 1 on, from the largest down.
func nthLargest(_ numbers: [Double], _ rank: Int) -> Double {
    var numbers = numbers
    let place = numbers.count - rank
    return numbers.withUnsafeMutableBufferPointer { numbers in
        var (low, high) = (0, numbers.count - 1)
        while low < high {
            let pivot = numbers[(low + high) / 2]
            var (left, right) = (low, high)
            while left <= right {
                while numbers[left] < pivot { left += 1 }
                while numbers[right] > pivot { right -= 1 }
                if left > right { break }
                numbers.swapAt(left, right)
                left += 1
                right -= 1
            }
            if place <= right { high = right } else if place >= left { low = left } else { break }
        }
        return numbers[place]
    }
}
