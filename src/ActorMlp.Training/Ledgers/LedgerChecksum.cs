using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace ActorMlp.Training.Ledgers;

/// <summary>
/// The checksum at the end of each line: CRC-32C over the line before it, carried on from the line above. So a line that is changed, taken out, put
/// in or put elsewhere shows at that line. It is no signature: whoever means to deceive can compute it too.
/// </summary>
internal static class LedgerChecksum
{
    /// <summary>Before the first line.</summary>
    public const uint Start = uint.MaxValue;

    /// <summary>Bytes of <c>,"x":"01234567"}</c>.</summary>
    public const int Length = 16;

    /// <summary>The checksum after a line.</summary>
    /// <param name="before">The checksum after the line above.</param>
    /// <param name="line">The line up to where its checksum begins.</param>
    public static uint Of(uint before, ReadOnlySpan<byte> line)
    {
        uint crc = before;
        while (line.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(line));
            line = line[sizeof(ulong)..];
        }

        foreach (byte one in line)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return crc;
    }

    /// <summary>The end of a line.</summary>
    public static string Text(uint checksum) => string.Create(CultureInfo.InvariantCulture, $",\"x\":\"{checksum:x8}\"}}");

    /// <summary>The checksum that a line ends with; null if it ends otherwise.</summary>
    public static uint? Read(ReadOnlySpan<byte> line)
    {
        if (line.Length <= Length || !line[^Length..].StartsWith(",\"x\":\""u8) || !line.EndsWith("\"}"u8))
        {
            return null;
        }

        return uint.TryParse(Encoding.ASCII.GetString(line[^10..^2]), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint checksum)
            ? checksum
            : null;
    }
}
