import CoreML
import Foundation
import MobileCLIPKit
import MobileCLIPSearch

extension CoreMLEncoder: ReleasableEncoder {}

/// The shop over what `make apps` put into the app, its encoders under Core ML; see ``ShopKeeper/Opener``.
@Sendable func openShop(tell: @escaping @Sendable (_ isPreparing: Bool) -> Void) throws -> Shop {
    let folder = Bundle.main.bundleURL
    return try Shop.open(folder) { manifest in
        CoreMLEncoder(
            manifest, image: folder.appendingPathComponent("image.mlmodelc"),
            text: folder.appendingPathComponent("text.mlmodelc"), computeUnits: computeUnits,
            onChange: { _, state in tell(state == .preparing) })
    }
}

/// A simulator has no Neural Engine, and its GPU is not to be trusted with float16.
private let computeUnits: MLComputeUnits = {
    #if targetEnvironment(simulator)
        .cpuOnly
    #else
        .all
    #endif
}()
