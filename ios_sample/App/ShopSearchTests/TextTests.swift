import Foundation
import Testing

@testable import ShopSearch

struct TextTests {
    @Test(arguments: [
        ("1.79", "EUR", "en_GB", "€1.79"), ("1250", "JPY", "en_US", "¥1,250"), ("3.5", "", "en_GB", "3.5"),
        ("3.5", "points", "en_GB", "3.5 points"),
    ])
    func aPriceStandsInItsCurrency(amount: String, currency: String, locale: String, expected: String) throws {
        let amount = try #require(Decimal(string: amount))
        #expect(priceText(amount, currency: currency, locale: Locale(identifier: locale)) == expected)
    }

    @Test func aPictureIsDecodedAtFourTimesTheEncodersSideOrWhole() {
        #expect(decodedSide(width: 4032, height: 3024, size: 256) == 1366)
        #expect(decodedSide(width: 3024, height: 4032, size: 256) == 1366)
        #expect(decodedSide(width: 1024, height: 1024, size: 256) == 1024)
        #expect(decodedSide(width: 800, height: 500, size: 256) == 800)
        #expect(decodedSide(width: 8000, height: 1, size: 256) == 8000)
        for short in 1025..<1200 {
            for long in stride(from: short, to: 6000, by: 67) {
                let side = decodedSide(width: long, height: short, size: 256)
                #expect(side <= long && side * short >= 1024 * long && (side - 1) * short < 1024 * long)
            }
        }
    }

    @Test func aWritingSystemHasANameInTheShoppersLanguage() {
        let chinese = Locale(identifier: "zh_Hant")
        #expect(writingSystem("Cyrillic", locale: Locale(identifier: "en")) == "Cyrillic")
        #expect(writingSystem("Cyrillic", locale: chinese)?.contains("西里爾") == true)
        #expect(writingSystem("another script", locale: chinese) == nil)
    }
}
