import MobileCLIPSearch
import SwiftUI

/// Takes a picture to search with; nothing where there is no camera.
struct CameraButton: View {
    let model: SearchModel
    @State private var isOpen = false

    var body: some View {
        if CameraView.isThere {
            IconButton(title: "Take a picture to search with", symbol: "camera") { isOpen = true }
                .fullScreenCover(isPresented: $isOpen) {
                    CameraView { picture in model.choose { try read(picture, size: $0) } }
                        .ignoresSafeArea()
                }
        }
    }
}

/// By way of a JPEG file, which carries the orientation: pictures come in by one door.
private func read(_ picture: UIImage, size: Int) throws -> RGBImage {
    guard let file = picture.jpegData(compressionQuality: 0.95) else {
        throw SearchError.badRequest("the camera gave no picture")
    }
    return try readPicture(file, size: size)
}
