import MobileCLIPShop
import SwiftUI

/// What went wrong, in the shopper's words.
func words(_ problem: ShopProblem) -> LocalizedStringKey {
    switch problem {
    case .files: "Files of this app are missing or damaged. Please install it again."
    case .picture: "This picture cannot be read. Please try another one."
    case .memory: "There is too little memory. Please close other apps and try again."
    case .camera: "The camera is not allowed. Choose a picture, or allow the camera in the settings."
    case .noCamera: "The camera cannot be opened."
    case .gone: "The shop no longer has this product."
    case .entry: "The shop cannot take this product."
    case .incomplete: "Please give a picture, a product number, and a name."
    case .price: "Please write the price as a number."
    case .other: "Something went wrong. Please try again."
    }
}

/// Has VoiceOver say what has come about; a search that has only begun needs no word.
@MainActor func announce(_ state: SearchState) {
    let words: String? =
        switch state {
        case .idle, .fetching, .searching: nil
        case .preparing: String(localized: "Preparing the search…")
        case .found(let cards, let doubtful, _): String(localized: "\(cards.count + doubtful.count) products")
        case .nothing: String(localized: "No match")
        case .failed: String(localized: "That did not work")
        }
    if let words { UIAccessibility.post(notification: .announcement, argument: words) }
}
