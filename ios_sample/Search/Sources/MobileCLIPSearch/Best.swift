/// The best rows of a scan: by score, descending, then by row, ascending. A heap, the worst on top.
struct Best {
    struct Found: Comparable {
        let score: Double
        let row: Int

        /// Whether the left one is worse.
        static func < (left: Found, right: Found) -> Bool {
            left.score < right.score || left.score == right.score && left.row > right.row
        }
    }

    private let most: Int
    private var heap = Heap<Found>()

    init(most: Int) {
        self.most = most
    }

    mutating func offer(_ score: Double, row: Int) {
        let found = Found(score: score, row: row)
        if heap.count < most {
            heap.insert(found)
        } else if let worst = heap.least, worst < found {
            heap.replaceLeast(found)
        }
    }

    /// Best first.
    func sorted() -> [Found] { heap.items.sorted(by: >) }
}
