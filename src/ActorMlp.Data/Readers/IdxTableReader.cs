using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace ActorMlp.Data.Readers;

/// <summary>Reads the IDX files of MNIST and its kin: unsigned bytes, big-endian header; one file of inputs, one of labels.</summary>
internal static class IdxTableReader
{
    /// <summary>Reads a pair of files.</summary>
    /// <param name="path">Inputs: magic 0x08, two dimensions or more; all but the first are flattened.</param>
    /// <param name="labelsPath">Labels: magic 0x0801; null where rows are only to be predicted.</param>
    /// <param name="limitRows">Rows to read at most; null for all.</param>
    /// <param name="hash">Gets the files' bytes; null for none.</param>
    /// <exception cref="DataException">The files are not such a pair.</exception>
    public static RawTable Read(string path, string? labelsPath, int? limitRows, IncrementalHash? hash)
    {
        (int[] shape, byte[] pixels) = ReadFile(path, hash);
        if (shape.Length < 2)
        {
            throw new DataException($"{path}: has {shape.Length} dimension, expected inputs with two or more (rows × pixels); are inputs and labels swapped?");
        }

        int columns = pixels.Length / shape[0];
        int rows = Math.Min(shape[0], limitRows ?? int.MaxValue);
        string[] classes = [];
        if (labelsPath is not null)
        {
            (int[] labelShape, byte[] labels) = ReadFile(labelsPath, hash);
            if (labelShape.Length != 1)
            {
                throw new DataException($"{labelsPath}: has {labelShape.Length} dimensions, expected labels with one; are inputs and labels swapped?");
            }

            if (labels.Length != shape[0])
            {
                throw new DataException($"{labelsPath}: has {labels.Length} labels, but {path} has {shape[0]} rows");
            }

            string[] names = [.. Enumerable.Range(0, 256).Select(value => value.ToString(CultureInfo.InvariantCulture))];
            classes = [.. labels.Take(rows).Select(label => names[label])];
        }

        var inputs = new float[(long)rows * columns];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = pixels[i];
        }

        return new RawTable([.. Enumerable.Range(0, columns).Select(i => $"pixel{i}")], inputs, classes, []);
    }

    private static (int[] Shape, byte[] Data) ReadFile(string path, IncrementalHash? hash)
    {
        using Stream stream = DataFile.Open(path, hash);
        try
        {
            Span<byte> word = stackalloc byte[4];
            stream.ReadExactly(word);
            if (word[0] != 0 || word[1] != 0 || word[2] != 8 || word[3] == 0)
            {
                throw new DataException($"{path}: starts with {Convert.ToHexString(word)}, which is not an IDX file of unsigned bytes (000008 and the number of dimensions)");
            }

            var shape = new int[word[3]];
            long length = 1;
            for (int i = 0; i < shape.Length; i++)
            {
                stream.ReadExactly(word);
                shape[i] = BinaryPrimitives.ReadInt32BigEndian(word);
                length = shape[i] < 1 ? -1 : length * shape[i];
                if (length is < 1 or > int.MaxValue)
                {
                    throw new DataException($"{path}: dimension {i} is {shape[i]}; expected 1 or more, and at most {int.MaxValue} values in all");
                }
            }

            var data = new byte[length];
            stream.ReadExactly(data);
            return stream.ReadByte() < 0
                ? (shape, data)
                : throw new DataException($"{path}: goes on after the {length} values that its header announces");
        }
        catch (EndOfStreamException)
        {
            throw new DataException($"{path}: is cut short; its header announces more values than it has");
        }
        catch (InvalidDataException exception)
        {
            throw new DataException($"{path}: is no whole gzip file: {exception.Message}");
        }
    }
}
