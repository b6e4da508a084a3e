/// A binary heap, the least item on top.
struct Heap<Item: Comparable> {
    private(set) var items: [Item] = []

    var count: Int { items.count }
    var least: Item? { items.first }

    mutating func insert(_ item: Item) {
        var place = items.count
        items.append(item)
        while place > 0 {
            let parent = (place - 1) / 2
            if items[parent] <= item { break }
            items[place] = items[parent]
            place = parent
        }
        items[place] = item
    }

    /// Puts `item` in the place of the least one; the heap must not be empty.
    mutating func replaceLeast(_ item: Item) {
        var place = 0
        while true {
            var child = 2 * place + 1
            if child >= items.count { break }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            if item <= items[child] { break }
            items[place] = items[child]
            place = child
        }
        items[place] = item
    }

    mutating func popLeast() -> Item? {
        guard let least = items.first, let last = items.popLast() else { return nil }
        if !items.isEmpty { replaceLeast(last) }
        return least
    }
}
