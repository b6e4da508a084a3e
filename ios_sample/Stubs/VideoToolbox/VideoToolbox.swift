import CoreGraphics
import CoreVideo

@discardableResult
public func VTCreateCGImageFromCVPixelBuffer(
    _ buffer: CVPixelBuffer, options: CFDictionary?, imageOut: UnsafeMutablePointer<CGImage?>
) -> Int32 {
    imageOut.pointee = CGImage(width: CVPixelBufferGetWidth(buffer), height: CVPixelBufferGetHeight(buffer))
    return 0
}
