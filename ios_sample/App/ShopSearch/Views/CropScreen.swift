import MobileCLIPShop
import SwiftUI

/// Chooses the object in a picture: a box over it, whose corners and whole can be dragged.
struct CropScreen: View {
    let file: URL?
    @State var region: CropBox
    let chosen: (CropBox) -> Void
    @State private var start: CropBox?
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        NavigationStack {
            PicturePreview(file: file, longest: 1200)
                .overlay { GeometryReader { box($0.size) } }
                .environment(\.layoutDirection, .leftToRight)  // a picture is not turned round
                .padding(24)
                .navigationTitle("Choose a part of the picture").navigationBarTitleDisplayMode(.inline)
                .toolbar {
                    ToolbarItem(placement: .cancellationAction) { Button("Whole picture") { choose(.whole) } }
                    ToolbarItem(placement: .confirmationAction) { Button("Search with this part") { choose(region) } }
                }
        }
    }

    private func choose(_ region: CropBox) {
        chosen(region)
        dismiss()
    }

    private func box(_ size: CGSize) -> some View {
        ZStack(alignment: .topLeading) {
            Rectangle().stroke(.tint, lineWidth: 3).contentShape(.rect)
                .frame(width: size.width * region.width, height: size.height * region.height)
                .offset(x: size.width * region.left, y: size.height * region.top)
                .gesture(drag(size) { $0.moved(x: $1, y: $2) })
                .accessibilityLabel("Choose a part of the picture")
                .accessibilityAdjustableAction { region = region.scaled($0 == .increment ? 1.25 : 0.8) }
            ForEach(CropBox.Corner.allCases, id: \.self) { corner in
                Circle().fill(.tint).frame(width: 22, height: 22).frame(width: 44, height: 44).contentShape(.rect)
                    .offset(
                        x: size.width * (corner.isLeft ? region.left : region.right) - 22,
                        y: size.height * (corner.isUpper ? region.top : region.bottom) - 22
                    )
                    .gesture(drag(size) { $0.moved(corner, x: $1, y: $2) })
                    .accessibilityHidden(true)
            }
        }
    }

    private func drag(_ size: CGSize, _ move: @escaping (CropBox, Double, Double) -> CropBox) -> some Gesture {
        DragGesture(coordinateSpace: .global)
            .onChanged { drag in
                let from = start ?? region
                start = from
                region = move(from, drag.translation.width / size.width, drag.translation.height / size.height)
            }
            .onEnded { _ in start = nil }
    }
}
