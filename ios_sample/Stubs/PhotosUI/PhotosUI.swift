import Foundation
import SwiftUI

/// Sendable from Xcode 16.4 on, as others report: here it is not.
public struct PhotosPickerItem: Equatable, Hashable {
    public struct EncodingDisambiguationPolicy: Sendable {
        public static let current = EncodingDisambiguationPolicy()
        public static let automatic = EncodingDisambiguationPolicy()
    }
    private let reference: [Any] = []
    public static func == (a: Self, b: Self) -> Bool { true }
    public func hash(into hasher: inout Hasher) {}
    public func loadTransferable<T: Transferable>(type: T.Type) async throws -> T? { nil }
    @discardableResult
    public func loadTransferable<T: Transferable>(
        type: T.Type, completionHandler: @escaping @Sendable (Result<T?, any Error>) -> Void
    ) -> Progress { Progress(totalUnitCount: 1) }
}

public struct PHPickerFilter: Sendable {
    public static let images = PHPickerFilter()
}

extension View {
    public nonisolated func photosPicker(
        isPresented: Binding<Bool>, selection: Binding<PhotosPickerItem?>, matching filter: PHPickerFilter? = nil,
        preferredItemEncoding: PhotosPickerItem.EncodingDisambiguationPolicy = .automatic
    ) -> some View { self }
}
