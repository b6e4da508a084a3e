import Foundation
import MobileCLIPSearch

/// A list enters, on each line the paths of a catalog, a delta and the catalog to be written, with tabs between them; how
/// many deltas were applied and refused, how long that took, and by how much the process grew at its peak, leave.
struct DeltaBench: Encodable {
    private(set) var applied = 0
    private(set) var refused = 0
    private(set) var seconds = 0.0
    /// Pages of mapped files count. Null where the system does not tell (macOS).
    private(set) var grownMb: Double?

    /// Throws where a list or a catalog cannot be read, and errors that are none of a delta's.
    init(list: URL) throws {
        let lines = try String(contentsOf: list, encoding: .utf8).split(separator: "\n")
        let before = memory("VmRSS")
        for line in lines {
            let paths = line.split(separator: "\t").map { URL(fileURLWithPath: String($0)) }
            let base = try ProductCatalog.open(paths[0])
            let start = ContinuousClock.now
            do {
                _ = try CatalogDelta.open(paths[1]).apply(to: base, writing: paths[2])
                applied += 1
            } catch SearchError.badFile, SearchError.mismatch {
                refused += 1
            }
            seconds += (ContinuousClock.now - start) / .seconds(1)
        }
        grownMb = memory("VmHWM").flatMap { peak in before.map { peak - $0 } }
    }
}
