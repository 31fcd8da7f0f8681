using System.Net;
using Microsoft.Extensions.Logging;

namespace ActorMlp.Cluster.Faults;

/// <summary>What a link logs.</summary>
internal static partial class LinkLogMessages
{
    [LoggerMessage(Level = LogLevel.Information, Message = "link: connection {Number} from {From} to {Target}")]
    public static partial void LinkConnected(this ILogger logger, ulong number, EndPoint? from, EndPoint target);

    [LoggerMessage(Level = LogLevel.Warning, Message = "link: connection {Number} from {From} cannot reach {Target}: {Reason}")]
    public static partial void LinkTargetUnreachable(this ILogger logger, ulong number, EndPoint? from, EndPoint target, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "link: closed a connection from {From}: it was not redirected here, or nobody knows whose it is, so it goes nowhere")]
    public static partial void LinkNotRouted(this ILogger logger, EndPoint? from);

    [LoggerMessage(Level = LogLevel.Warning, Message = "link: accepting a connection failed, and goes on: {Reason}")]
    public static partial void LinkAcceptFailed(this ILogger logger, string reason);
}
