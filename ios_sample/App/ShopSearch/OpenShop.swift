import CoreML
import Foundation
import MobileCLIPKit
import MobileCLIPSearch
import MobileCLIPShop
import os

extension ShopKeeper {
    /// The shop over what `make apps` put into the app.
    static let shared = {
        let keeper = ShopKeeper(open: openShop)
        let log = Logger(subsystem: "com.example.ShopSearch", category: "events")
        keeper.onEvent = { log.debug("\(String(describing: $0))") }  // your own statistics go here
        return keeper
    }()
}

/// Its encoders run under Core ML; see ``ShopKeeper/Opener``.
@Sendable nonisolated func openShop(tell: @escaping @Sendable (ShopKeeper.News) -> Void) throws -> Shop {
    try Shop(
        Bundle.main.bundleURL, own: .applicationSupportDirectory,
        pictures: .cachesDirectory.appending(path: "pictures"),
        decode: { try RGBImage(decoding: $0, for: $1, region: $2) }, onSearched: { tell(.searched($0)) },
        encoder: { coreML($0, computeUnits) { tell(.preparing($0)) } })
}

nonisolated func coreML(
    _ manifest: ModelManifest, _ units: MLComputeUnits,
    tell: @escaping @Sendable (_ isPreparing: Bool) -> Void = { _ in }
) -> CoreMLEncoder {
    let folder = Bundle.main.bundleURL
    return CoreMLEncoder(
        manifest, image: folder.appending(path: "image.mlmodelc"), text: folder.appending(path: "text.mlmodelc"),
        computeUnits: units, onChange: { _, state in tell(state == .preparing) })
}

/// Not the GPU, which is refused in the background. A simulator has no Neural Engine.
private nonisolated var computeUnits: MLComputeUnits {
    #if targetEnvironment(simulator)
        .cpuOnly
    #else
        .cpuAndNeuralEngine
    #endif
}

/// A report of each kind of processors, as a file and as its text.
nonisolated func selfCheck(_ shop: Shop, ios: String) async throws -> (URL, String) {
    let units: [(String, MLComputeUnits)] = [
        ("cpuOnly", .cpuOnly), ("cpuAndNeuralEngine", .cpuAndNeuralEngine), ("cpuAndGPU", .cpuAndGPU), ("all", .all),
    ]
    var checks: [SelfCheck] = []
    for (name, units) in units {
        let encoder = coreML(shop.manifest, units)
        checks.append(
            await SelfCheck.run(
                compute: name, golden: URL.documentsDirectory, manifest: shop.manifest, tokenizer: shop.tokenizer,
                encoder: encoder))
        await encoder.release()
    }
    let file = URL.documentsDirectory.appending(path: "self-check.json")
    let json = try SelfCheck.report(checks, shop.manifest, device: machine(), ios: ios)
    try json.write(to: file)
    return (file, String(decoding: json, as: UTF8.self))
}

/// "iPhone17,1", say.
private nonisolated func machine() -> String {
    var system = utsname()
    uname(&system)
    return withUnsafeBytes(of: &system.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
