using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using ActorMlp.Training.Storage;
using CsCheck;

namespace ActorMlp.Training.Tests.Storage;

public sealed class SafetensorsTests : IDisposable
{
    private static readonly float[] floats = [0f, -0f, 1.5f, float.Epsilon, float.MaxValue, float.NaN];
    private static readonly double[] doubles = [Math.PI, double.NegativeInfinity, 5e-324];

    private static readonly Tensor[] tensors =
    [
        Tensor.From("moments", doubles, 3),
        Tensor.From("layers.0.weight", floats, 2, 3),
        Tensor.From("empty", ReadOnlySpan<float>.Empty, 0, 4),
    ];

    private static readonly Dictionary<string, string> metadata = new() { ["format"] = "test", ["note"] = "größe \"quoted\"\n" };

    private readonly TestFolder folder = new();

    private string File => folder.At("some.safetensors");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Read_what_was_written_gives_the_same_bits()
    {
        SafetensorsFile.Write(File, [.. tensors.Select(TensorSource.Of)], metadata);

        SafetensorsContent content = SafetensorsFile.Read(File);

        Assert.Equal(metadata, content.Metadata);
        Assert.Equal(tensors.Select(tensor => tensor.Name).Order(), content.Tensors.Keys.Order());
        foreach (Tensor tensor in tensors)
        {
            Tensor read = content.Tensors[tensor.Name];
            Assert.Equal(tensor.Type, read.Type);
            Assert.Equal(tensor.Shape, read.Shape);
            Assert.Equal(tensor.Data.ToArray(), read.Data.ToArray());
        }

        Assert.Equal(floats.Select(BitConverter.SingleToInt32Bits), content.Tensors["layers.0.weight"].ToFloats().Select(BitConverter.SingleToInt32Bits));
        Assert.Equal(doubles, content.Tensors["moments"].ToDoubles());
    }

    [Fact]
    public void Write_any_tensors_is_laid_out_as_the_format_says()
    {
        SafetensorsFile.Write(File, [.. tensors.Select(TensorSource.Of)], metadata);
        byte[] bytes = System.IO.File.ReadAllBytes(File);

        // Read here by the format's own words alone: u64 length, JSON header that begins with '{', offsets from the header's end, no gaps.
        int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        byte[] data = bytes[(8 + length)..];
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, length));
        Assert.Equal((byte)'{', bytes[8]);
        Assert.Equal(0, (8 + length) % 8);
        Assert.Equal("größe \"quoted\"\n", header.RootElement.GetProperty("__metadata__").GetProperty("note").GetString());
        Assert.All(header.RootElement.GetProperty("__metadata__").EnumerateObject(), entry => Assert.Equal(JsonValueKind.String, entry.Value.ValueKind));
        int end = 0;
        foreach (Tensor tensor in tensors)
        {
            JsonElement entry = header.RootElement.GetProperty(tensor.Name);
            Assert.Equal(["dtype", "shape", "data_offsets"], entry.EnumerateObject().Select(property => property.Name));
            Assert.Equal(tensor.Type == TensorType.F64 ? "F64" : "F32", entry.GetProperty("dtype").GetString());
            Assert.Equal(tensor.Shape, entry.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()));
            int[] offsets = [.. entry.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt32())];
            Assert.Equal(end, offsets[0]);
            end = offsets[1];
            Assert.Equal(tensor.Data.ToArray(), data[offsets[0]..offsets[1]]);
        }

        Assert.Equal(data.Length, end);
        Assert.Equal(1.5f, BinaryPrimitives.ReadSingleLittleEndian(data.AsSpan(3 * sizeof(double) + 2 * sizeof(float))));
    }

    [Fact]
    public void Write_twice_gives_the_same_bytes()
    {
        SafetensorsFile.Write(File, [.. tensors.Select(TensorSource.Of)], metadata);
        SafetensorsFile.Write(folder.At("other"), [.. tensors.Select(TensorSource.Of)], metadata.Reverse().ToDictionary());

        Assert.Equal(System.IO.File.ReadAllBytes(File), System.IO.File.ReadAllBytes(folder.At("other")));
    }

    [Fact]
    public void Read_any_one_byte_changed_is_refused()
    {
        SafetensorsFile.Write(File, [.. tensors.Select(TensorSource.Of)], metadata);
        byte[] whole = System.IO.File.ReadAllBytes(File);

        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte[1, 255]).Sample((at, change) =>
        {
            byte[] bytes = [.. whole];
            bytes[at] ^= change;
            AssertDamaged(bytes);
        }, iter: 3000);
    }

    [Fact]
    public void Read_every_byte_with_its_lowest_or_case_bit_changed_is_refused()
    {
        SafetensorsFile.Write(File, [.. tensors.Select(TensorSource.Of)], metadata);
        byte[] whole = System.IO.File.ReadAllBytes(File);
        for (int at = 0; at < whole.Length; at++)
        {
            foreach (byte change in new byte[] { 1, 0x20 })
            {
                byte[] bytes = [.. whole];
                bytes[at] ^= change;
                AssertDamaged(bytes);
            }
        }
    }

    [Fact]
    public void Read_file_cut_short_anywhere_is_refused()
    {
        SafetensorsFile.Write(File, [.. tensors.Select(TensorSource.Of)], metadata);
        byte[] whole = System.IO.File.ReadAllBytes(File);
        for (int length = 0; length < whole.Length; length++)
        {
            AssertDamaged(whole[..length]);
        }
    }

    [Fact]
    public void Read_file_that_goes_on_is_refused()
    {
        SafetensorsFile.Write(File, [.. tensors.Select(TensorSource.Of)], metadata);
        byte[] whole = System.IO.File.ReadAllBytes(File);

        Assert.Contains("more data", AssertDamaged([.. whole, 0]).Message);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    [InlineData(long.MaxValue - 7)]
    public void Read_absurd_header_length_is_refused(long length)
    {
        byte[] bytes = new byte[64];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, length);

        AssertDamaged(bytes);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"a\":1}")]
    [InlineData("{\"a\":{}}")]
    [InlineData("{\"a\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,0]}}")]
    [InlineData("{\"a\":{\"dtype\":null,\"shape\":[0],\"data_offsets\":[0,0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,-4]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4611686018427387904,4611686018427387904],\"data_offsets\":[0,0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[0,9223372036854775807,9223372036854775807],\"data_offsets\":[0,9223372036854775807]}}")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":\"\",\"data_offsets\":[0,4]}}")]
    [InlineData("{\"__metadata__\":{\"checksum\":5}}")]
    [InlineData("{\"__metadata__\":[]}")]
    [InlineData("{\"__metadata__\":{\"checksum\":\"sha256:0\"}}")]
    [InlineData("{\"__metadata__\":{\"checksum\":\"\\u0073ha256:0000000000000000000000000000000000000000000000000000000000000000\"}}")]
    public void Read_header_that_is_json_but_none_of_this_format_is_refused(string header)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] bytes = new byte[8 + text.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, text.Length);
        text.CopyTo(bytes, 8);

        AssertDamaged(bytes);
    }

    [Fact]
    public void Read_file_that_is_missing_names_it()
    {
        StorageException problem = Assert.Throws<StorageException>(() => SafetensorsFile.Read(File));

        Assert.Equal(File, problem.Path);
        Assert.Contains("cannot be read", problem.Message);
    }

    [Fact]
    public void Write_over_an_old_file_replaces_it_and_leaves_no_other()
    {
        folder.Write("some.safetensors", "old");
        SafetensorsFile.Write(File, [.. tensors.Select(TensorSource.Of)], metadata);

        SafetensorsFile.Read(File);
        Assert.Equal([File], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void AtomicWrite_that_fails_leaves_the_old_file_and_no_other()
    {
        folder.Write("some.safetensors", "old");

        StorageException problem = Assert.Throws<StorageException>(() => AtomicFile.Write(File, stream =>
        {
            stream.Write("half of the new"u8);
            throw new IOException("no space left");
        }));

        Assert.Contains("no space left", problem.Message);
        Assert.Equal(File, problem.Path);
        Assert.Equal("old", System.IO.File.ReadAllText(File));
        Assert.Equal([File], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void AtomicWrite_into_a_folder_that_is_missing_makes_it()
    {
        string file = folder.At("a/b/c");
        AtomicFile.Write(file, stream => stream.Write("new"u8));

        Assert.Equal("new", System.IO.File.ReadAllText(file));
    }

    [Fact]
    public void AtomicWrite_below_a_file_is_a_storage_problem()
    {
        folder.Write("file", "");

        Assert.Throws<StorageException>(() => AtomicFile.Write(folder.At("file/below"), _ => { }));
    }

    private StorageException AssertDamaged(byte[] bytes)
    {
        // CsCheck samples on several threads.
        string path = folder.At($"damaged-{Environment.CurrentManagedThreadId}");
        System.IO.File.WriteAllBytes(path, bytes);
        StorageException problem = Assert.Throws<StorageException>(() => SafetensorsFile.Read(path));
        Assert.StartsWith(path, problem.Message);
        return problem;
    }
}
